/** cdk-nag's AWS Solutions pack on the stack: nothing is found but what is acknowledged with a reason, and nothing else is acknowledged. */
import { Stack, Validations } from "aws-cdk-lib";
import { type IVpc, Vpc } from "aws-cdk-lib/aws-ec2";
import { AwsSolutionsChecks } from "cdk-nag";
import { describe, expect, it } from "vitest";
import type { ControlPlaneProps } from "../../cdk/control-plane.ts";
import { withStack } from "./synth.ts";

type Props = Parameters<typeof withStack>[0];
type Finding = { readonly rule: string; readonly path: string };

const findingsOf = (stack: Stack, pack: AwsSolutionsChecks): Finding[] =>
  pack
    .validateScope(stack)
    .violations.flatMap(({ ruleName, violatingResources }) =>
      violatingResources.map((resource) => ({ rule: ruleName, path: `${resource.constructPath}` })),
    );

const variants: readonly (readonly [string, Props])[] = [
  ["as it is", {}],
  ["buffered, by IAM, from one network", { transport: "buffer", iamRoles: [admin()], allowedCidrs: ["203.0.113.0/24"] }],
  ["in a VPC", (app) => ({ vpc: new Vpc(new Stack(app, "Network"), "Vpc") as IVpc })],
];

describe("AWS Solutions", () => {
  it.each(variants)("finds nothing that is not acknowledged: %s", (_, props) => {
    expect(withStack(props, (stack) => findingsOf(stack, new AwsSolutionsChecks(stack)))).toEqual([]);
  });

  it.each(variants)("every acknowledgement has its reason and its finding: %s", (_, props) => {
    withStack(props, (stack) => {
      const found = findingsOf(stack, Object.assign(new AwsSolutionsChecks(stack), { isAcknowledged: () => false }));
      const acknowledged = acknowledgements(stack);
      expect(acknowledged.length).toBeGreaterThan(5);
      expect(acknowledged.filter(({ reason }) => !/\w+ \w+/.test(reason))).toEqual([]);
      const covers = ({ rule, path }: Finding) =>
        found.some((finding) => finding.rule === rule && finding.path.startsWith(`${path}/`));
      expect(acknowledged.filter((one) => !covers(one))).toEqual([]);
    });
  });
});

function acknowledgements(stack: Stack): (Finding & { readonly reason: string })[] {
  return stack.node.findAll().flatMap((construct) =>
    construct.node.metadata
      .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
      .flatMap(({ data }) => Object.entries(data as Record<string, string>))
      // The library puts a kind before the name.
      .map(([id, reason]) => ({ rule: id.replace("Annotation::", ""), reason, path: construct.node.path })),
  );
}

function admin(): NonNullable<ControlPlaneProps["iamRoles"]>[number] {
  return { arn: "arn:aws:iam::123456789012:role/ops", role: "admin" };
}
