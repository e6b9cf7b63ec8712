/** The few browsers that need work-arounds, from User-Agent. nginx: ngx_http_process_user_agent(). */
import type { HeadersIn } from '../headers.ts';

// Successive requests nearly always name the same few agents.
let lastAgent = '';
let lastMsie = false;
let lastMsie6 = false;
let lastSafari = false;
let lastChrome = false;

/** Sets msie, msie6, safari and chrome. */
export function setBrowser(headers: HeadersIn, agent: string): void {
  if (agent !== lastAgent) recognise(agent);
  headers.msie = lastMsie;
  headers.msie6 = lastMsie6;
  headers.safari = lastSafari;
  headers.chrome = lastChrome;
}

function recognise(agent: string): void {
  // A copy: the string itself is a part of a whole request header.
  lastAgent = Buffer.from(agent, 'latin1').toString('latin1');
  lastMsie = false;
  lastMsie6 = false;
  lastSafari = false;
  lastChrome = false;
  const at = agent.indexOf('MSIE ');
  const opera = agent.includes('Opera');
  if (at >= 0 && at + 7 < agent.length && !opera) {
    lastMsie = true;
    if (agent[at + 6] === '.') {
      const major = agent[at + 5];
      // Service pack 2 of Windows XP mended version 6.
      lastMsie6 = major === '4' || major === '5' || (major === '6' && !agent.slice(at + 8).includes('SV1'));
    }
  }
  if (lastMsie || opera || agent.includes('Gecko/')) return;
  if (agent.includes('Chrome/')) lastChrome = true;
  else lastSafari = agent.includes('Safari/') && agent.includes('Mac OS X');
}
