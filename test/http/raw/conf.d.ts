/** The configuration that the raw requests meet, for nginx and for tsresty. */
import { type ServerName } from './case.ts';
/** Ports are FIRST_PORT, FIRST_PORT + 1, ... in the order of SERVERS. */
export declare function portOf(server: ServerName, firstPort: number): number;
/** @param folder for logs and temporary files */
export declare function configuration(flavour: 'nginx' | 'tsresty', folder: string, firstPort: number): string;
