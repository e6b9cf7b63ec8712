/**
 * Handshakes with backends in which user code decides: which certificate is shown to a backend that asks for one, and
 * whether the backend's is good. The exchange waits meanwhile; proxy_connect_timeout goes on.
 *
 * Node shows a backend the certificate that a connection began with. When the code wants another one, the connection is
 * made anew with it; which backends ask is remembered, so that for later connections the code runs first. ngx_lua
 * changes the certificate of the connection itself: ngx_http_lua_proxy_ssl_certby.c, ngx_http_lua_proxy_ssl_verifyby.c.
 */
import type { X509Certificate } from 'node:crypto';
import type { HttpRequest } from '../request.ts';
import type { CertificatePair } from '../ssl/files.ts';

/** What the code works on. */
export class BackendHandshake {
  readonly r: HttpRequest;
  /** `TLSv1.3` and the like: what was agreed on, or, when the code runs first, was the last time. */
  readonly protocol: string;
  /** PEM: the certificate to show, and those of its issuers. */
  certificate: string | undefined;
  /** PEM. */
  key: string | undefined;
  passphrase: string | undefined;
  /** The certificate is another one than configured. */
  changed = false;
  /** X509_V_ERR_* of the backend's chain, 0 when it is good. */
  verifyResult = 0;
  /** The backend's certificate, while it is verified. */
  readonly peer: X509Certificate | undefined;

  constructor(r: HttpRequest, protocol: string, pair: CertificatePair | undefined, peer: X509Certificate | undefined) {
    this.r = r;
    this.protocol = protocol;
    this.certificate = pair?.certificate;
    this.key = pair?.key;
    this.passphrase = pair?.passphrase;
    this.peer = peer;
  }

  /** What is to be shown: like OpenSSL, nothing without both. */
  get pair(): CertificatePair | undefined {
    const { certificate, key, passphrase } = this;
    return certificate === undefined || key === undefined ? undefined : { certificate, key, passphrase };
  }
}

/**
 * Runs code on a handshake. `done` is called once, maybe before this returns: with false the handshake fails.
 *
 * @returns gives the code up: the connection is not wanted any more. `done` is not called then.
 */
export type BackendHook = (handshake: BackendHandshake, done: (ok: boolean) => void) => () => void;

/** What a location runs in handshakes. */
export interface BackendHooks {
  /** Tells them apart: what is decided by one is not shared with others. */
  readonly id: number;
  /** The backend asks for a certificate. */
  readonly certificate: BackendHook | undefined;
  /** The backend's certificate is here. Not called for resumed sessions. */
  readonly verify: BackendHook | undefined;
  /** OpenSSL's opinion of that certificate does not matter. */
  readonly skipDefaultVerify: boolean;
}

let lastHooks = 0;

/** A number for `BackendHooks.id`. */
export function newHooksId(): number {
  return ++lastHooks;
}

/** Most backends that are remembered to ask. */
const MOST_REMEMBERED = 1024;

/** Protocols by name of the peer and key of the plan. */
const askers = new Map<string, string>();

/** A backend asked for a certificate. */
export function rememberAsker(peer: string, key: string, protocol: string): void {
  const name = `${peer}\n${key}`;
  if (!askers.delete(name) && askers.size >= MOST_REMEMBERED) askers.delete(askers.keys().next().value as string);
  askers.set(name, protocol);
}

/** The protocol by which a backend has asked; undefined if it never has. */
export function protocolOfAsker(peer: string, key: string): string | undefined {
  return askers.get(`${peer}\n${key}`);
}
