/**
 * The sections that a block may have. A name that is not here is an error, so a misspelt expectation cannot pass
 * unseen. Meanings are those of Test::Nginx: Test::Nginx::Socket(3), "Sections supported".
 */
export const SECTIONS: ReadonlySet<string> = new Set([
  // Which blocks run.
  'ONLY',
  'SKIP',
  'LAST',
  // What the server is given.
  'main_config',
  'http_config',
  'config',
  'post_main_config',
  'stream_config',
  'stream_server_config',
  'server_name',
  'user_files',
  'log_level',
  // What it is asked.
  'request',
  'pipelined_requests',
  'raw_request',
  'raw_request_middle_delay',
  'more_headers',
  'stream_request',
  'timeout',
  'abort',
  'wait',
  // What it must do.
  'must_die',
  'ignore_response',
  'ignore_response_body',
  'error_code',
  'error_code_like',
  'response_headers',
  'response_headers_like',
  'raw_response_headers_like',
  'raw_response_headers_unlike',
  'response_body',
  'response_body_like',
  'response_body_unlike',
  'stream_response',
  'stream_response_like',
  'stream_response_unlike',
  'error_log',
  'no_error_log',
  'grep_error_log',
  'grep_error_log_out',
  'access_log',
  'no_access_log',
  'shutdown_error_log',
  'no_shutdown_error_log',
]);
