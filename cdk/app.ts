/** The CDK app: one stack, `Windlass`, in the account and region of the caller. */
import { App } from "aws-cdk-lib";
import { WindlassStack } from "./windlass-stack.ts";

new WindlassStack(new App(), "Windlass");
