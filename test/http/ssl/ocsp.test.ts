// OCSP requests and responses against those of the openssl command.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, describe, it } from 'node:test';
import { certificateFields } from '../../../src/http/ssl/certificate-fields.ts';
import {
  checkOcspResponse,
  OcspError,
  type OcspTrust,
  ocspRequest,
  parseOcspResponse,
} from '../../../src/http/ssl/ocsp.ts';
import { bitString, DerError, DerReader, encode, generalizedTime, oid, oidText } from '../../../src/net/der.ts';
import { OcspAuthority } from '../ocsp-authority.ts';

const authority = new OcspAuthority();
after(() => authority.remove());
const { pki } = authority;
pki.root('root');
pki.root('other');
const URL = 'http://responder.example:81/a';
authority.issue('leaf', 'root', URL);
authority.issue('silent', 'root', '');
authority.issue('helper', 'root', '', ['extendedKeyUsage=OCSPSigning']);
authority.issue('nobody', 'root', '');
authority.issue('stranger', 'other', '', ['extendedKeyUsage=OCSPSigning']);
pki.openssl(
  'req',
  '-x509',
  '-newkey',
  'rsa:2048',
  '-nodes',
  '-keyout',
  'rsa.key',
  '-out',
  'rsa.crt',
  '-subj',
  '/CN=rsa',
);
authority.issue('ofrsa', 'rsa', URL);
const [root, other, leaf, rsa] = ['root', 'other', 'leaf', 'rsa'].map((name) => authority.certificate(name)) as [
  ReturnType<typeof authority.certificate>,
  ReturnType<typeof authority.certificate>,
  ReturnType<typeof authority.certificate>,
  ReturnType<typeof authority.certificate>,
];
const request = ocspRequest(leaf, root);
const NOW = Math.floor(Date.now() / 1000);
const ALL: OcspTrust = { chain: [leaf, root], authorities: [root], verify: 'all' };

function check(response: Buffer, trust: OcspTrust = ALL, now = NOW) {
  return checkOcspResponse(parseOcspResponse(response), leaf, root, trust, now);
}

function fails(action: () => unknown, expected: RegExp): void {
  assert.throws(action, (e) => e instanceof OcspError && expected.test(e.message));
}

describe('certificates', () => {
  it('name responders', () => {
    assert.deepEqual(certificateFields(leaf).responders, [URL]);
    assert.deepEqual(certificateFields(authority.certificate('silent')).responders, []);
  });
});

describe('requests', () => {
  it('are those that openssl makes', () => {
    const args = ['ocsp', '-issuer', 'root.crt', '-cert', 'leaf.crt', '-no_nonce', '-reqout', '-'];
    assert.deepEqual(request, execFileSync('openssl', args, { cwd: pki.dir, stdio: 'pipe' }));
  });
});

describe('responses', () => {
  it('are good, revoked or unknown', () => {
    for (const verdict of ['revoked', 'unknown', 'good'] as const) {
      authority.say('leaf', verdict);
      const { status, nextUpdate } = check(authority.answer('root', request));
      assert.equal(status, verdict);
      assert.ok(Math.abs((nextUpdate as number) - NOW - 86400) < 60);
    }
  });

  it('may name no next update', () => {
    assert.deepEqual(check(authority.answer('root', request, { extra: [] })), {
      status: 'good',
      nextUpdate: undefined,
    });
  });

  it('may name their signer by its key', () => {
    assert.equal(check(authority.answer('root', request, { extra: ['-resp_key_id'] })).status, 'good');
  });

  it('are signed by the issuer, or by whom it lets', () => {
    assert.equal(check(authority.answer('root', request, { signer: 'helper' })).status, 'good');
    fails(
      () => check(authority.answer('root', request, { signer: 'nobody' })),
      /error:13800067:OCSP routines::missing ocspsigning usage/,
    );
    fails(
      () => check(authority.answer('root', request, { signer: 'stranger' })),
      /error:13800065:OCSP routines::certificate verify error/,
    );
    // Trusted for something else.
    const trust: OcspTrust = { ...ALL, authorities: [root, other] };
    fails(
      () => check(authority.answer('root', request, { signer: 'other' }), trust),
      /error:13800070:OCSP routines::root ca not trusted/,
    );
  });

  it('are verified as far as is wished', () => {
    const strange = authority.answer('root', request, { signer: 'stranger' });
    assert.equal(check(strange, { ...ALL, verify: 'signature' }).status, 'good');
    fails(() => check(strange, { ...ALL, verify: 'chain' }), /certificate verify error/);
    const own = authority.answer('root', request);
    assert.equal(check(own, { chain: [root], authorities: [], verify: 'chain' }).status, 'good');
    fails(() => check(own, { chain: [root], authorities: [], verify: 'all' }), /certificate verify error/);
  });

  it('may leave their signer out', () => {
    const bare = authority.answer('root', request, { extra: ['-resp_no_certs'] });
    assert.equal(check(bare).status, 'good');
    fails(() => check(bare, { ...ALL, chain: [] }), /error:13800076:OCSP routines::signer certificate not found/);
  });

  for (const extra of [
    [],
    ['-rsigopt', 'rsa_padding_mode:pss', '-rsigopt', 'rsa_pss_saltlen:32'],
    ['-rmd', 'sha512'],
    ['-rmd', 'sha1'],
  ]) {
    it(`are signed by RSA ${extra.join(' ')}`, () => {
      const certificate = authority.certificate('ofrsa');
      const asked = ocspRequest(certificate, rsa);
      const answer = parseOcspResponse(authority.answer('rsa', asked, { extra }));
      const trust: OcspTrust = { chain: [rsa], authorities: [rsa], verify: 'all' };
      assert.equal(checkOcspResponse(answer, certificate, rsa, trust, NOW).status, 'good');
    });
  }

  it('must be about the certificate', () => {
    const asked = ocspRequest(authority.certificate('silent'), root);
    fails(() => check(authority.answer('root', asked)), /^certificate status not found in the OCSP response$/);
  });

  it('must be in time', () => {
    const response = authority.answer('root', request);
    assert.equal(check(response, { ...ALL, verify: 'signature' }, NOW - 290).status, 'good');
    fails(
      () => check(response, { ...ALL, verify: 'signature' }, NOW - 400),
      /error:1380007E:OCSP routines::status not yet valid/,
    );
    fails(
      () => check(response, { ...ALL, verify: 'signature' }, NOW + 86400 + 400),
      /error:1380007D:OCSP routines::status expired/,
    );
    // The signer's certificate has its time, too.
    fails(() => check(response, ALL, NOW + 86400 * 40), /certificate verify error/);
  });

  it('may be refusals', () => {
    const refusal = (status: number) => encode(0x30, encode(0x0a, Buffer.from([status])));
    const texts = ['malformedrequest', 'internalerror', 'trylater', '(UNKNOWN)', 'sigrequired', 'unauthorized'];
    texts.forEach((text, i) => {
      fails(
        () => parseOcspResponse(refusal(i + 1)),
        new RegExp(`^OCSP response not successful \\(${i + 1}: ${text.replace(/[()]/g, '\\$&')}\\)$`),
      );
    });
    fails(() => parseOcspResponse(refusal(0)), /no response data/);
  });

  it('of which any byte is wrong are not believed', () => {
    const response = authority.answer('root', request, { signer: 'helper' });
    const basic = parseOcspResponse(response);
    assert.ok(basic.certificates.length > 0);
    for (let i = 0; i < response.length; i++) {
      fails(() => check(response.subarray(0, i)), /./);
    }
    let believed = 0;
    for (let i = 0; i < response.length; i++) {
      const bad = Buffer.from(response);
      bad[i] = (bad[i] as number) ^ (1 << (i % 8));
      try {
        assert.equal(check(bad).status, 'good');
        believed++;
      } catch (e) {
        assert.ok(e instanceof OcspError, String((e as Error).stack));
      }
    }
    // None but in what is neither signed nor needed.
    assert.ok(believed <= 2, `${believed} believed`);
  });

  it('that are none are refused', () => {
    for (const bytes of [
      '',
      '0',
      'HTTP',
      '\x30\x84\xff\xff\xff\xff',
      '\x30\x80\x0a\x01\x00\x00\x00',
      '\x30\x03\x0a\x01',
    ]) {
      fails(() => parseOcspResponse(Buffer.from(bytes, 'latin1')), /^d2i_OCSP_RESPONSE\(\) failed$/);
    }
  });
});

describe('DER', () => {
  it('is read with all its lengths checked', () => {
    for (const bytes of [
      [],
      [4],
      [4, 1],
      [4, 0x81],
      [4, 0x85, 0, 0, 0, 0, 0],
      [4, 0x80],
      [0x1f, 1, 0],
      [4, 0x82, 1, 0, 0],
    ]) {
      assert.throws(() => new DerReader(Buffer.from(bytes)).next(), DerError);
    }
    assert.throws(() => new DerReader(Buffer.from([4, 0])).next(5), DerError);
    assert.throws(() => new DerReader(Buffer.from([4, 0])).end(), DerError);
    assert.throws(() => bitString({ tag: 3, content: Buffer.from([1, 2]), whole: Buffer.alloc(0) }), DerError);
  });

  it('is written so that it can be read', () => {
    for (const size of [0, 1, 127, 128, 255, 256, 65535, 65536]) {
      const { tag, content, whole } = new DerReader(encode(4, Buffer.alloc(size, 7))).next();
      assert.deepEqual(
        [tag, content.length, whole.length - size],
        [4, size, size < 128 ? 2 : size < 256 ? 3 : size < 65536 ? 4 : 5],
      );
    }
    for (const id of ['1.3.14.3.2.26', '2.16.840.1.101.3.4.2.1', '1.3.6.1.5.5.7.48.1.1', '0.9.2342']) {
      assert.equal(oidText(new DerReader(oid(id)).next().content), id);
    }
  });

  it('has times', () => {
    const time = (text: string) => generalizedTime({ tag: 24, content: Buffer.from(text), whole: Buffer.alloc(0) });
    assert.equal(time('20261121180000Z'), Date.UTC(2026, 10, 21, 18) / 1000);
    assert.equal(time('00010101000000.5Z'), -62135596800);
    for (const text of [
      '20261121180000',
      '20261321180000Z',
      '20260230180000Z',
      '20261121240000Z',
      '261121180000Z',
      '',
    ]) {
      assert.throws(() => time(text), DerError, text);
    }
  });
});
