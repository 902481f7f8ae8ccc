/**
 * CloudFormation's side of the installer: what it asks, and the answer it waits for at an address of its own. It gets one whatever
 * happens: without one a deployment hangs for an hour.
 */
import * as z from "zod";
import type { Logger } from "../../shared/base/logger.ts";

const request = z.object({
  RequestType: z.enum(["Create", "Update", "Delete"]),
  ResponseURL: z.url(),
  StackId: z.string(),
  RequestId: z.string(),
  LogicalResourceId: z.string(),
  PhysicalResourceId: z.string().optional(),
});

export type InstallOptions = {
  /** Safe to repeat. */
  readonly install: () => Promise<void>;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly logger: Logger;
};

export type InstallHandler = (event: unknown) => Promise<void>;

const physicalId = "windlass-installation";
/** The whole event of the answer has 4 KB at most. */
const reasonCharactersMax = 1_000;

/**
 * An update and a removal change nothing: the installation outlives them. An event without an address for the answer is somebody's
 * who invokes the function, as the command line does where CloudFormation runs no custom resources: it installs, or rejects.
 */
export const installHandler =
  ({ install, fetch, logger }: InstallOptions): InstallHandler =>
  async (event) => {
    if (!hasAddress(event)) return install();
    const asked = request.parse(event);
    let reason: string | undefined;
    try {
      if (asked.RequestType === "Create") await install();
    } catch (error) {
      logger.log("error", "the installation failed", { error });
      reason = (error instanceof Error ? error.message : String(error)).slice(0, reasonCharactersMax);
    }
    const { StackId, RequestId, LogicalResourceId, PhysicalResourceId = physicalId } = asked;
    const body = JSON.stringify({
      Status: reason === undefined ? "SUCCESS" : "FAILED",
      ...(reason !== undefined && { Reason: reason }),
      StackId,
      RequestId,
      LogicalResourceId,
      PhysicalResourceId,
    });
    // The address is signed for a request without a content type.
    const answer = await fetch(asked.ResponseURL, { method: "PUT", body, headers: { "content-type": "" } });
    if (!answer.ok) throw new Error(`CloudFormation answered ${answer.status}`);
  };

const hasAddress = (event: unknown): boolean => typeof event === "object" && event !== null && "ResponseURL" in event;
