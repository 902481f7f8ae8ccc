"""LocalStack in host mode, without Docker: Lambda functions run as Node processes (bootstrap.mjs), DynamoDB is DynamoDB Local.

start.ts launches this as the leader of a process group and holds the other end of its standard input. When that closes,
because the tests are over or because they died, the whole group is killed and the data folder removed.

Environment: NODE (the Node binary that runs the functions), DYNAMODB_LOCAL_LIB (the folder of jars and of sqlite4java's
native library), FILESYSTEM_ROOT (this run's own data folder); LocalStack's own settings as usual.
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path


def end_with_parent():
    while sys.stdin.buffer.read(4096):
        pass
    shutil.rmtree(os.environ["FILESYSTEM_ROOT"], ignore_errors=True)
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    assert os.getpgrp() == os.getpid(), "start me as the leader of a process group: I kill the whole group at the end"
    threading.Thread(target=end_with_parent, daemon=True).start()

os.environ.setdefault("PROVIDER_OVERRIDE_DYNAMODB", "v2")  # streams from DynamoDB Local itself, not through Kinesis

from localstack import config
from localstack.services.lambda_.invocation import runtime_executor

# Before anything else imports the function by name.
runtime_executor.get_runtime_executor = lambda: ProcessExecutor

from localstack.utils import run as localstack_run

# It would start DynamoDB Local in a session of its own, out of reach of the kill of this group.
localstack_run.is_linux = localstack_run.is_mac_os = lambda: False

from localstack.services.dynamodb import packages as dynamodb_packages
from localstack.services.dynamodb import server as dynamodb_server
from localstack.services.lambda_.invocation.executor_endpoint import StatusErrorException
from localstack.services.lambda_.invocation.lambda_models import InvocationResult

BOOTSTRAP = Path(__file__).resolve().parent / "bootstrap.mjs"
LOG_LINES_MAX = 2000


class ProcessExecutor(runtime_executor.RuntimeExecutor):
    """One Lambda execution environment as one Node process."""

    def start(self, env_vars):
        self.env_vars = env_vars
        code = self.function_version.config.code.get_unzipped_code_location()
        env = {"PATH": os.environ["PATH"], **{name: str(value) for name, value in env_vars.items()}}
        env["LAMBDA_TASK_ROOT"] = str(code)
        # The way through LocalStack itself takes a hundred times longer than a request to DynamoDB does.
        env.setdefault("AWS_ENDPOINT_URL_DYNAMODB", dynamodb_server.DynamodbServer.get().url)
        read, write = os.pipe()
        self.log_lines = []
        self.process = subprocess.Popen(
            # The name is for whoever looks for the function's processes.
            [os.environ["NODE"], str(BOOTSTRAP), str(write), self.function_version.id.function_name],
            cwd=code, env=env, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, pass_fds=[write],
        )
        os.close(write)
        self.answers = os.fdopen(read, "rb")
        threading.Thread(target=self._collect_logs, daemon=True).start()
        first = json.loads(self.answers.readline() or b'{"ready": false, "error": {"errorMessage": "exited"}}')
        if not first["ready"]:
            self.process.wait(timeout=5)
            print(f"{self.function_version.id.function_name} did not start: {first}\n{self.get_logs()}", flush=True)
            raise StatusErrorException("Environment startup failed", payload=json.dumps(first["error"]).encode())

    def _collect_logs(self):
        for line in self.process.stderr:
            self.log_lines.append(line.decode(errors="replace"))
            del self.log_lines[:-LOG_LINES_MAX]

    def stop(self):
        self.process.kill()
        self.process.wait()

    def invoke(self, payload):
        # It died in its last call, or after it: as on Lambda, the environment begins anew.
        if self.process.poll() is not None:
            self.start(self.env_vars)
        self.log_lines.clear()
        timeout = self.function_version.config.timeout
        request = {
            "id": payload["invoke-id"], "arn": payload["invoked-function-arn"], "payload": payload["payload"],
            "deadline": int((time.time() + timeout) * 1000),
        }
        timer = threading.Timer(timeout, self.process.kill)
        timer.start()
        try:
            self.process.stdin.write((json.dumps(request) + "\n").encode())
            self.process.stdin.flush()
            line = self.answers.readline()
        except BrokenPipeError:
            line = b""  # it died between two calls: reported below as any other death
        finally:
            timer.cancel()
        if not line:
            self.process.kill()
            self.process.wait()
            message = {"errorMessage": f"{payload['invoke-id']} Task timed out after {timeout:.2f} seconds or exited"}
            return InvocationResult(payload["invoke-id"], json.dumps(message).encode(), True, self.get_logs())
        reply = json.loads(line)
        body = json.dumps(reply.get("error", reply.get("result"))).encode()
        return InvocationResult(payload["invoke-id"], body, "error" in reply, self.get_logs())

    def get_logs(self):
        return "".join(self.log_lines)

    def get_address(self):
        return "127.0.0.1"

    def get_endpoint_from_executor(self):
        return "127.0.0.1"

    def get_runtime_endpoint(self):
        return f"http://127.0.0.1:{config.GATEWAY_LISTEN[0].port}"

    @classmethod
    def prepare_version(cls, function_version):
        if function_version.config.code:
            function_version.config.code.prepare_for_execution()

    @classmethod
    def cleanup_version(cls, function_version):
        pass


def dynamodb_command(server):
    jars = os.environ["DYNAMODB_LOCAL_LIB"]
    command = [
        "java", f"-Xmx{server.heap_size}", f"-Djava.library.path={jars}",
        "-cp", f"{jars}/*", "com.amazonaws.services.dynamodbv2.local.main.ServerRunner", "-port", str(server.port),
        # One database, whatever credentials and region are asked with: functions ask it directly.
        "-sharedDb",
    ]
    return command + (["-inMemory"] if server.in_memory else ["-dbPath", server.db_path])


dynamodb_server.DynamodbServer._create_shell_command = dynamodb_command
installer = dynamodb_packages.DynamoDBLocalPackageInstaller
installer.install = lambda self, *args, **kwargs: None
installer.get_java_env_vars = lambda self: {"PATH": os.environ["PATH"]}

if __name__ == "__main__":
    from localstack.runtime.main import main

    main()
