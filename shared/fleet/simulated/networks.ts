/** EngineNetworks and EngineVolumes of a simulated engine. */
import type { EngineNetworks, EngineVolume, EngineVolumes } from "../engine/networks.ts";
import { EngineError, NoSuchNetworkError, NoSuchVolumeError } from "../engine-errors.ts";
import type { Faults } from "./faults.ts";
import { matchesLabels } from "./filters.ts";
import type { World } from "./world.ts";

export function simulatedNetworks(world: World, faults: Faults): EngineNetworks {
  const find = (id: string) => {
    const found = world.networks.get(id) ?? [...world.networks.values()].find(({ network }) => network.Name === id);
    if (found === undefined) throw new NoSuchNetworkError(404, `network ${id} not found`);
    return found;
  };
  const shown = (id: string) => {
    const { members, network } = find(id);
    return { ...network, Containers: Object.fromEntries([...members].map((member) => [member, {}])) };
  };
  return {
    list: ({ label = [], name } = {}, call = {}) =>
      faults.pass("network list", call, () =>
        [...world.networks.values()]
          .filter(({ network }) => matchesLabels(network.Labels ?? {}, label) && (name?.includes(network.Name) ?? true))
          .map(({ network }) => shown(network.Id)),
      ),
    inspect: (id, call = {}) => faults.pass("network inspect", call, () => shown(id)),
    create: ({ Name, Driver = "bridge", ...body }, call = {}) =>
      faults.pass("network create", call, () => {
        if ([...world.networks.values()].some(({ network }) => network.Name === Name)) {
          throw new EngineError(409, `network with name ${Name} already exists`);
        }
        const Id = world.newId(64);
        const Labels = (body["Labels"] ?? {}) as Readonly<Record<string, string>>;
        world.networks.set(Id, { network: { ...body, Id, Name, Driver, Scope: "local", Labels }, members: new Set() });
        return { Id };
      }),
    remove: (id, call = {}) =>
      faults.pass("network remove", call, () => {
        const { network, members } = find(id);
        if (members.size > 0)
          throw new EngineError(403, `error while removing network: network ${network.Name} has active endpoints`);
        world.networks.delete(network.Id);
      }),
    connect: (id, container, endpoint = {}, call = {}) =>
      faults.pass("network connect", call, () => {
        const { network, members } = find(id);
        const joined = world.container(container);
        joined.networks.set(network.Name, endpoint);
        members.add(joined.id);
      }),
    disconnect: (id, container, _options, call = {}) =>
      faults.pass("network disconnect", call, () => {
        const { network, members } = find(id);
        const leaving = world.container(container);
        leaving.networks.delete(network.Name);
        members.delete(leaving.id);
      }),
  };
}

export function simulatedVolumes(world: World, faults: Faults): EngineVolumes {
  const find = (name: string): EngineVolume => {
    const found = world.volumes.get(name);
    if (found === undefined) throw new NoSuchVolumeError(404, `get ${name}: no such volume`);
    return found;
  };
  return {
    list: ({ label = [] } = {}, call = {}) =>
      faults.pass("volume list", call, () =>
        [...world.volumes.values()].filter(({ Labels }) => matchesLabels(Labels ?? {}, label)),
      ),
    inspect: (name, call = {}) => faults.pass("volume inspect", call, () => find(name)),
    create: (body, call = {}) =>
      faults.pass("volume create", call, () => {
        const Name = String(body["Name"] ?? world.newId(64));
        const Labels = (body["Labels"] ?? {}) as Readonly<Record<string, string>>;
        const made = { Name, Driver: "local", Mountpoint: `/var/lib/docker/volumes/${Name}/_data`, Labels, Scope: "local" };
        if (!world.volumes.has(Name)) world.volumes.set(Name, made);
        return find(Name);
      }),
    remove: (name, _options, call = {}) =>
      faults.pass("volume remove", call, () => {
        find(name);
        const user = [...world.containers.values()].find(({ hostConfig }) =>
          JSON.stringify(hostConfig).includes(`"Source":"${name}"`),
        );
        if (user !== undefined) throw new EngineError(409, `remove ${name}: volume is in use - [${user.id}]`);
        world.volumes.delete(name);
      }),
  };
}
