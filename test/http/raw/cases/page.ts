/** Answers that 1.22 does not give, normalised. */

/** The page of an error after which the connection is closed. */
export function page(status: string): string {
  const body =
    `<html>\r\n<head><title>${status}</title></head>\r\n<body>\r\n<center><h1>${status}</h1></center>\r\n` +
    '<hr><center>SERVER</center>\r\n</body>\r\n</html>\r\n';
  return head(status, 'text/html', body.length, 'close') + body;
}

/** A text, and the connection is kept. */
export function ok(body: string): string {
  return head('200 OK', 'text/plain', body.length, 'keep-alive') + body;
}

function head(status: string, type: string, length: number, connection: string): string {
  return (
    `HTTP/1.1 ${status}\r\nServer: X\r\nDate: X\r\nContent-Type: ${type}\r\n` +
    `Content-Length: ${length}\r\nConnection: ${connection}\r\n\r\n`
  );
}
