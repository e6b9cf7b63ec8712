/**
 * The lua_ssl_* directives: how cosockets speak TLS. ngx_lua: ngx_http_lua_merge_ssl(), ngx_http_lua_set_ssl()
 * (ngx_http_lua_module.c).
 */
import type { ConfContext, ContextName, Directive } from '../../conf/directive.ts';
import { ConfError } from '../../conf/error.ts';
import { cycleOf } from '../../conf/resources.ts';
import { bitmaskSlot, keyvalSlot, numSlot, strArraySlot, strSlot } from '../../conf/slots.ts';
import { applyConfCommands } from '../../http/ssl/conf-command.ts';
import {
  DEFAULT_PROTOCOLS,
  newContextOptions,
  PROTOCOL_WORDS,
  setCiphers,
  setProtocols,
} from '../../http/ssl/context.ts';
import { confFiles, loadAuthorities, loadCrl, loadPair } from '../../http/ssl/files.ts';
import { setPairs, VariantContext } from '../../http/ssl/variant-context.ts';
import { errnoSuffix } from '../../log/errno.ts';
import { LOG_ALERT } from '../../log/log.ts';
import type { LuaSettings } from './conf.ts';

const PLACES: readonly ContextName[] = ['http', 'server', 'location'];

/** Values that hold where nothing is said. */
const DEFAULTS = {
  sslProtocols: DEFAULT_PROTOCOLS,
  sslCiphers: 'DEFAULT',
  sslVerifyDepth: 1,
  sslCertificates: undefined,
  sslCertificateKeys: undefined,
  sslTrustedCertificate: '',
  sslCrl: '',
  sslKeyLog: '',
  sslConfCommands: undefined,
} as const satisfies Partial<LuaSettings>;

export const luaSslDirectives: readonly Directive<LuaSettings>[] = [
  bitmaskSlot<LuaSettings>(
    'lua_ssl_protocols',
    PLACES,
    'location',
    'sslProtocols',
    PROTOCOL_WORDS,
    DEFAULTS.sslProtocols,
    { min: 1 },
    { doc: 'The protocols of cosockets.', defaultText: 'TLSv1.2 TLSv1.3' },
  ),
  strSlot<LuaSettings>('lua_ssl_ciphers', PLACES, 'location', 'sslCiphers', DEFAULTS.sslCiphers, {
    doc: "Ciphers of cosockets in the OpenSSL library's format.",
  }),
  numSlot<LuaSettings>('lua_ssl_verify_depth', PLACES, 'location', 'sslVerifyDepth', DEFAULTS.sslVerifyDepth, {
    doc: "Most certificates between a server's and a trusted one.",
  }),
  strArraySlot<LuaSettings>('lua_ssl_certificate', PLACES, 'location', 'sslCertificates', undefined, {
    doc: 'A file with a certificate that cosockets show to servers.',
  }),
  strArraySlot<LuaSettings>('lua_ssl_certificate_key', PLACES, 'location', 'sslCertificateKeys', undefined, {
    doc: 'The file with the key of that certificate.',
  }),
  strSlot<LuaSettings>('lua_ssl_trusted_certificate', PLACES, 'location', 'sslTrustedCertificate', '', {
    doc: 'A file with the certificates of trusted authorities.',
  }),
  strSlot<LuaSettings>('lua_ssl_crl', PLACES, 'location', 'sslCrl', '', { doc: 'A file with revoked certificates.' }),
  strSlot<LuaSettings>('lua_ssl_key_log', PLACES, 'location', 'sslKeyLog', '', {
    doc: 'A file for the keys of TLS connections, for those who look at captured packets.',
  }),
  keyvalSlot<LuaSettings>('lua_ssl_conf_command', PLACES, 'location', 'sslConfCommands', undefined, {
    doc: 'Settings of OpenSSL by their names there, as far as Node.js can make them.',
  }),
];

/** Gives the location what its cosockets need for TLS. For mergeLocation; throws ConfError. */
export function mergeLuaSsl(cf: ConfContext, parent: LuaSettings, conf: LuaSettings): void {
  let own = false;
  let usual = true;
  for (const [name, fallback] of Object.entries(DEFAULTS)) {
    const key = name as keyof typeof DEFAULTS;
    own ||= conf[key] !== (parent[key] ?? fallback);
    usual &&= conf[key] === fallback;
  }
  if (own) conf.sslContext = new VariantContext();
  else {
    // What the http block has is made once, for all servers.
    parent.sslContext ??= new VariantContext();
    conf.sslContext = parent.sslContext;
  }
  const context = conf.sslContext;
  if (!context.made) makeLuaContext(cf, conf, context, usual);
  conf.tls = {
    context,
    verifyDepth: conf.sslVerifyDepth,
    trusts: conf.sslTrustedCertificate !== '',
    keyLog: conf.sslKeyLog === '' ? undefined : keyLogOf(cf, conf.sslKeyLog),
  };
}

function makeLuaContext(cf: ConfContext, conf: LuaSettings, context: VariantContext, usual: boolean): void {
  const options = newContextOptions();
  setProtocols(options, conf.sslProtocols);
  setCiphers(options, conf.sslCiphers);
  // Nobody is trusted but those that are named; Node would trust its own list.
  options.ca = [];
  if (usual) {
    context.prepare(options);
    return;
  }
  const { sslCertificates: certificates, sslCertificateKeys: keys } = conf;
  const files = confFiles(cf);
  if (certificates !== undefined) {
    if (keys === undefined || keys.length < certificates.length) {
      const last = certificates[certificates.length - 1] as string;
      throw new ConfError(`no "lua_ssl_certificate_key" is defined for certificate "${last}"`);
    }
    const pairs = certificates.map((name, i) => loadPair(files, name, keys[i] as string, undefined));
    setPairs(options, pairs);
  }
  if (conf.sslTrustedCertificate !== '') options.ca = loadAuthorities(files, conf.sslTrustedCertificate);
  if (conf.sslCrl !== '') options.crl = loadCrl(files, conf.sslCrl);
  applyConfCommands(options, conf.sslConfCommands ?? []);
  context.make(options);
}

/** The file is opened and handed down like the logs. */
function keyLogOf(cf: ConfContext, name: string): (line: Buffer) => void {
  const { openFiles } = cycleOf(cf);
  const file = openFiles.get(cf.fullName(name, 'conf'));
  return (line) => {
    try {
      file.write(line.toString('latin1'));
    } catch (e) {
      cycleOf(cf).log.write(LOG_ALERT, `write() to "${file.path}" failed${errnoSuffix(e)}`);
    }
  };
}
