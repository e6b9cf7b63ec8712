// Reads JSON, answers JSON.
import { constants, type Ngx } from 'tsresty';

export default async function api(ngx: Ngx) {
  await ngx.req.readBody();
  const text = textOf(ngx.req.getBodyText() ?? '');
  if (text === undefined) {
    ngx.status = constants.HTTP_BAD_REQUEST;
    ngx.json({ error: 'send { text: ... }' });
    return;
  }
  ngx.json({ language: 'TypeScript', words: text.split(/\s+/).filter(Boolean) });
}

function textOf(body: string): string | undefined {
  try {
    const order: { text?: unknown } | null = JSON.parse(body);
    return typeof order?.text === 'string' ? order.text : undefined;
  } catch {
    return undefined;
  }
}
