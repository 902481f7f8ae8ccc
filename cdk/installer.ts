/**
 * The first way in: a secret, and a function that CloudFormation runs at the installation. It makes an admin token, puts its text into
 * the secret and its hash into the tables. Later deployments change neither.
 */
import { CustomResource, Duration, Validations } from "aws-cdk-lib";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import { Construct } from "constructs";
import { Handler, type HandlerSettings } from "./handler.ts";

/** CloudFormation waits an hour by itself for an answer that does not come. */
const installSecondsMax = 120;

export class Installer extends Construct {
  /** The text of the first token, once it is deployed. */
  readonly secret: Secret;
  readonly handler: Handler;

  constructor(scope: Construct, id: string, { settings }: { readonly settings: HandlerSettings }) {
    super(scope, id);
    this.secret = new Secret(this, "AdminToken", { description: "The first Windlass token: admin of all clusters" });
    this.handler = new Handler(this, "Installer", {
      settings,
      name: "installer",
      description: "Makes the first token of an installation",
      environment: { WINDLASS_ADMIN_SECRET: this.secret.secretArn },
      memoryMb: 512,
      timeoutSeconds: 60,
    });
    this.handler.function.addToRolePolicy(
      new PolicyStatement({
        actions: ["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"],
        resources: [this.secret.secretArn],
      }),
    );
    const installation = new CustomResource(this, "Installation", {
      serviceToken: this.handler.function.functionArn,
      resourceType: "Custom::WindlassInstallation",
      serviceTimeout: Duration.seconds(installSecondsMax),
      properties: { Secret: this.secret.secretArn },
    });
    // Its permissions are there before it runs.
    installation.node.addDependency(this.handler);
    Validations.of(this.secret).acknowledge({
      id: "AwsSolutions-SMG4",
      reason: "it is for the first contact: tokens are made and revoked through the API, this one too",
    });
  }
}
