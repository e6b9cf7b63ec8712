/** The program of a thread that takes turns of a file's loop over its blocks: see ./turns.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { runThread, type ThreadSetup } from './turns.ts';

parentPort!.postMessage(runThread(workerData as ThreadSetup));
