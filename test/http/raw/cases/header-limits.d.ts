/** client_header_buffer_size, large_client_header_buffers: 1k and 4 of 8k, or 128 and 2 of 256 at the tight server. */
import type { RawCase } from '../case.ts';
export declare const headerLimits: readonly RawCase[];
