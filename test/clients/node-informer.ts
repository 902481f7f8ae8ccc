/** An informer of @kubernetes/client-node on nodes, kept going as its documentation says: started again after an error. */
import { setTimeout as delay } from "node:timers/promises";
import {
  CustomObjectsApi,
  KubeConfig,
  type KubernetesListObject,
  type KubernetesObject,
  makeInformer,
} from "@kubernetes/client-node";
import { type Picture, pictureOf } from "./dance.ts";

const restartMs = 200;
const place = { group: "windlass.dev", version: "v1", plural: "nodes" } as const;

export type InformerFigures = { events: number; lists: number; connects: number; errors: number };

export class NodeInformer {
  readonly figures: InformerFigures = { events: 0, lists: 0, connects: 0, errors: 0 };
  readonly selector: string;
  readonly #informer: ReturnType<typeof makeInformer<KubernetesObject>>;
  #ended = false;

  /** `selector`: of labels; "" takes all. */
  constructor(kubeconfig: string, selector = "") {
    const config = new KubeConfig();
    config.loadFromFile(kubeconfig);
    const api = config.makeApiClient(CustomObjectsApi);
    const labels = selector === "" ? {} : { labelSelector: selector };
    const list = () => {
      this.figures.lists += 1;
      return api.listClusterCustomObject({ ...place, ...labels }) as Promise<KubernetesListObject<KubernetesObject>>;
    };
    this.selector = selector;
    this.#informer = makeInformer(config, "/apis/windlass.dev/v1/nodes", list, labels.labelSelector);
    this.#informer.on("change", () => {
      this.figures.events += 1;
    });
    this.#informer.on("connect", () => {
      this.figures.connects += 1;
    });
    this.#informer.on("error", () => {
      this.figures.errors += 1;
      void this.#startAgain();
    });
  }

  start(): Promise<void> {
    return this.#informer.start();
  }

  picture(): Picture {
    return pictureOf(
      this.#informer.list().map(({ metadata }) => ({
        metadata: { name: metadata?.name ?? "", resourceVersion: metadata?.resourceVersion ?? "" },
      })),
    );
  }

  async end(): Promise<void> {
    this.#ended = true;
    await this.#informer.stop();
  }

  async #startAgain(): Promise<void> {
    await delay(restartMs);
    if (!this.#ended) await this.#informer.start();
  }
}
