/**
 * Somebody's own stack that listens to a Windlass bus, as a CDK app: a rule that hands changes to a queue, and one that hands them to a
 * function. `-c stack=<name> -c bus=<name>`.
 */
import { App, CfnOutput, Stack } from "aws-cdk-lib";
import { EventBus, type EventPattern, Rule } from "aws-cdk-lib/aws-events";
import { LambdaFunction as FunctionTarget, SqsQueue } from "aws-cdk-lib/aws-events-targets";
import { Code, Function as LambdaFunction, Runtime } from "aws-cdk-lib/aws-lambda";
import { Queue } from "aws-cdk-lib/aws-sqs";
import { changePattern } from "../../cdk/control-plane.ts";

/** Nodes with the label, while they go from active to drain: the helper's pattern, and fields of both objects. */
const draining = changePattern({ kinds: ["Node"], actions: ["update"], labels: { listen: "yes" } });
const drained: EventPattern = {
  source: ["windlass"],
  detail: {
    data: {
      ...draining.detail?.["data"],
      object: { metadata: { labels: { listen: ["yes"] } }, spec: { availability: ["drain"] } },
      previous: { spec: { availability: ["active"] } },
    },
  },
};

/** Passes on what it gets. LocalStack gives functions its address, runs them without AWS's SDK, and does not check signatures. */
const listener = `
exports.handler = async (event) => {
  const answer = await fetch(process.env.AWS_ENDPOINT_URL, {
    method: "POST",
    headers: {
      "content-type": "application/x-amz-json-1.0",
      "x-amz-target": "AmazonSQS.SendMessage",
      authorization: "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=0",
    },
    body: JSON.stringify({ QueueUrl: process.env.QUEUE_URL, MessageBody: JSON.stringify(event) }),
  });
  if (!answer.ok) throw new Error(await answer.text());
};
`;

const app = new App();
const stack = new Stack(app, String(app.node.tryGetContext("stack")));
const eventBus = EventBus.fromEventBusName(stack, "Bus", String(app.node.tryGetContext("bus")));
const [queue, heard] = [new Queue(stack, "DrainedQueue"), new Queue(stack, "DeletedQueue")];
const heardBy = new LambdaFunction(stack, "Listener", {
  code: Code.fromInline(listener),
  handler: "index.handler",
  runtime: Runtime.NODEJS_24_X,
  environment: { QUEUE_URL: heard.queueUrl },
});
new Rule(stack, "Drained", { eventBus, eventPattern: drained, targets: [new SqsQueue(queue)] });
new Rule(stack, "Deleted", {
  eventBus,
  eventPattern: changePattern({ kinds: ["Service"], namespaces: ["listened"], actions: ["delete"] }),
  targets: [new FunctionTarget(heardBy)],
});
new CfnOutput(stack, "Queue", { value: queue.queueUrl });
new CfnOutput(stack, "Heard", { value: heard.queueUrl });
