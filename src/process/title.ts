/**
 * What ps shows. The name is nginx's, because scripts look for it: `nginx: master process CMD`, `nginx: worker
 * process`. The text can be as long as the command line was.
 */

/** Sets the title; `text` without `nginx: `. nginx: ngx_setproctitle. */
export function setTitle(text: string): void {
  process.title = `nginx: ${text}`;
}
