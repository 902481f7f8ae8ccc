/** EngineNetworks and EngineVolumes: what any engine must do. */
import { expect, it } from "vitest";
import { type EngineFixture, patient, uniqueName } from "./engine-fixture.ts";

export function networkCases(fixture: EngineFixture): void {
  it("networks: made, found, listed, joined, left and removed", async () => {
    const { networks, containers } = fixture.engine;
    const name = uniqueName("net");
    const { Id } = await networks.create({ Name: name, Driver: "bridge", Labels: { test: name } });
    try {
      expect(await networks.inspect(name)).toMatchObject({ Id, Name: name, Driver: "bridge", Labels: { test: name } });
      expect((await networks.list({ label: [`test=${name}`] })).map(({ Name }) => Name)).toEqual([name]);
      await expect(networks.create({ Name: name, Driver: "bridge" })).rejects.toMatchObject({ status: 409 });
      const id = await fixture.run(patient);
      await networks.connect(name, id, { Aliases: ["web"] });
      expect(Object.keys((await containers.inspect(id)).NetworkSettings["Networks"] ?? {})).toContain(name);
      await expect(networks.remove(name)).rejects.toMatchObject({ status: 403 });
      await networks.disconnect(name, id);
    } finally {
      await fixture.clean();
      await networks.remove(name);
    }
    await expect(networks.inspect(name)).rejects.toMatchObject({ name: "NoSuchNetworkError", status: 404 });
    await expect(networks.remove(name)).rejects.toMatchObject({ name: "NoSuchNetworkError" });
  });

  it("volumes: made, made again, found, listed, refused while used, removed", async () => {
    const { volumes } = fixture.engine;
    const Name = uniqueName("volume");
    const made = await volumes.create({ Name, Labels: { test: Name } });
    expect(made).toMatchObject({ Name, Driver: "local" });
    expect((await volumes.create({ Name })).Name).toBe(Name);
    expect(await volumes.inspect(Name)).toMatchObject({ Name, Labels: { test: Name } });
    expect((await volumes.list({ label: [`test=${Name}`] })).map((volume) => volume.Name)).toEqual([Name]);
    await fixture.create(patient, { HostConfig: { Mounts: [{ Type: "volume", Source: Name, Target: "/data" }] } });
    await expect(volumes.remove(Name)).rejects.toMatchObject({ status: 409 });
    await fixture.clean();
    await volumes.remove(Name);
    await expect(volumes.inspect(Name)).rejects.toMatchObject({ name: "NoSuchVolumeError", status: 404 });
  });
}
