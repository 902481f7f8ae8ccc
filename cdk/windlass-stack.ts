/** The stack that `cdk deploy` installs: a control plane, and what to do next as outputs. */
import { Stack, type StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { ControlPlane, type ControlPlaneProps } from "./control-plane.ts";

export type WindlassStackProps = StackProps & { readonly controlPlane?: ControlPlaneProps };

export class WindlassStack extends Stack {
  readonly controlPlane: ControlPlane;

  constructor(scope: Construct, id: string, { controlPlane, ...props }: WindlassStackProps = {}) {
    super(scope, id, props);
    this.controlPlane = new ControlPlane(this, "ControlPlane", controlPlane);
    this.controlPlane.addOutputs();
  }
}
