#!/usr/bin/env node
/** `windlass`: the command line. Exit codes: 0 done, 1 it could not be done (one line says why), 2 it was typed wrongly. */
import { runProgram } from "./program.ts";
import { processTerminal } from "./terminal.ts";

const code = await runProgram(process.argv.slice(2), processTerminal());
// A server that was started goes on, or has said itself why it could not.
if (code !== 0) process.exitCode = code;
