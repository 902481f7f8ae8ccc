/**
 * The bus that every change of every cluster is put on, as CloudEvents, and its archive, from which a consumer that comes later, or had
 * a fault, can have them again. Delivery is at least once, without order: each event carries its revision, and doubles have the same id.
 */
import { Duration } from "aws-cdk-lib";
import { EventBus, type EventPattern, type IRuleTarget, Rule } from "aws-cdk-lib/aws-events";
import { Construct } from "constructs";

export type EventsProps = {
  /** How many days the archive keeps events; 0: no archive. Default: 30. */
  readonly archiveDays?: number;
};

/** Which changes are wanted. What is absent lets all through; of several values one must fit, of several fields each. */
export type ChangeFilter = {
  readonly clusters?: readonly string[];
  /** `Node`, `Service`, … */
  readonly kinds?: readonly string[];
  readonly namespaces?: readonly string[];
  readonly actions?: readonly ("create" | "update" | "delete")[];
  /** Of the object after its change, or, deleted, before. An object that is too large for an event comes without, and is not let through. */
  readonly labels?: Readonly<Record<string, string>>;
};

const source = ["windlass"];
/** All but the event that ends each commit. */
const allActions = ["create", "update", "delete"];

export class Events extends Construct {
  readonly bus: EventBus;

  constructor(scope: Construct, id: string, { archiveDays = 30 }: EventsProps = {}) {
    super(scope, id);
    this.bus = new EventBus(this, "Bus", { description: "Changes of Windlass clusters" });
    if (archiveDays === 0) return;
    this.bus.archive("Archive", {
      description: "All changes of Windlass clusters, to be replayed",
      eventPattern: { source },
      retention: Duration.days(archiveDays),
    });
  }

  /** Hands changes that `filter` lets through to the targets, each at least once. */
  onChange(id: string, filter: ChangeFilter, ...targets: readonly IRuleTarget[]): Rule {
    return this.rule(id, changePattern(filter), ...targets);
  }

  /**
   * A rule on the bus with an ordinary EventBridge pattern. `detail.data` has `cluster`, `revision`, `index`, `actor`, `action`, `kind`,
   * `namespace`, `name`, `url`, and the whole `object` and, of updates, `previous`.
   */
  rule(id: string, eventPattern: EventPattern, ...targets: readonly IRuleTarget[]): Rule {
    return new Rule(this, id, { eventBus: this.bus, eventPattern, targets: [...targets] });
  }
}

/** The pattern of a rule for changes that `filter` lets through: for stacks that know the bus by its name only. */
export function changePattern({ clusters, kinds, namespaces, actions, labels }: ChangeFilter): EventPattern {
  const oneOf = (name: string, values: readonly string[] | undefined) => (values === undefined ? {} : { [name]: [...values] });
  const wanted = Object.entries(labels ?? {}).map(([name, value]) => [name, [value]] as const);
  const data = {
    action: [...(actions ?? allActions)],
    ...oneOf("cluster", clusters),
    ...oneOf("kind", kinds),
    ...oneOf("namespace", namespaces),
    ...(wanted.length > 0 && { object: { metadata: { labels: Object.fromEntries(wanted) } } }),
  };
  return { source, detail: { data } };
}
