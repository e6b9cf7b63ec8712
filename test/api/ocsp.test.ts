// ngx.ocsp without a server: requests and responses as user code makes and checks them.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { createOcspRequest, ocspResponder, validateOcspResponse } from '../../src/api/ocsp.ts';
import { OcspAuthority } from '../http/ocsp-authority.ts';

const authority = new OcspAuthority();
after(() => authority.remove());
authority.pki.root('root');
authority.pki.root('other');
authority.issue('leaf', 'root', 'http://responder.example/path');
authority.issue('silent', 'root', '');
const der = (...names: string[]): string =>
  names.map((name) => authority.certificate(name).raw.toString('latin1')).join('');
const CHAIN = der('leaf', 'root');

describe('ocspResponder', () => {
  it('finds the URL', () => {
    assert.deepEqual(ocspResponder(CHAIN, 4096), { url: 'http://responder.example/path', truncated: false });
    assert.deepEqual(ocspResponder(CHAIN, 6), { url: 'http:/', truncated: true });
    assert.equal(ocspResponder(der('silent'), 4096), undefined);
  });

  it('wants the issuer behind the certificate', () => {
    assert.deepEqual(ocspResponder('', 9), { error: 'd2i_X509_bio() failed' });
    assert.deepEqual(ocspResponder(der('leaf'), 9), { error: 'no issuer certificate in chain' });
    assert.deepEqual(ocspResponder(`${der('leaf')}x`, 9), { error: 'd2i_X509_bio() failed' });
    assert.deepEqual(ocspResponder(der('leaf', 'other'), 9), { error: 'issuer certificate not next to leaf' });
  });
});

describe('createOcspRequest', () => {
  it('makes what a responder takes', () => {
    const made = createOcspRequest(CHAIN, 4096);
    assert.ok('request' in made);
    const response = authority.answer('root', Buffer.from(made.request, 'latin1')).toString('latin1');
    const checked = validateOcspResponse(response, CHAIN);
    assert.ok('nextUpdate' in checked && (checked.nextUpdate as number) > Date.now() / 1000);
    assert.deepEqual(validateOcspResponse(response, der('silent', 'root')), {
      error: 'certificate status not found in the OCSP response',
    });
    const bad = `${response.slice(0, -1)}${response.endsWith('x') ? 'y' : 'x'}`;
    assert.ok('error' in validateOcspResponse(bad, der('leaf', 'other')));
  });

  it('says what is missing', () => {
    assert.deepEqual(createOcspRequest(CHAIN, 10), { error: 'output buffer too small: 69 > 10' });
    assert.deepEqual(createOcspRequest(der('leaf'), 4096), { error: 'no issuer certificate in chain' });
    assert.deepEqual(createOcspRequest('x', 4096), { error: 'd2i_X509_bio() failed' });
  });
});

describe('validateOcspResponse', () => {
  it('says what is wrong', () => {
    authority.say('leaf', 'revoked');
    const made = createOcspRequest(CHAIN, 4096) as { request: string };
    const response = authority.answer('root', Buffer.from(made.request, 'latin1')).toString('latin1');
    assert.deepEqual(validateOcspResponse(response, CHAIN), {
      error: 'certificate status "revoked" in the OCSP response',
    });
    assert.deepEqual(validateOcspResponse('x', CHAIN), { error: 'd2i_OCSP_RESPONSE() failed' });
    assert.deepEqual(validateOcspResponse(response, 'x'), { error: 'd2i_X509_bio() failed' });
    assert.deepEqual(validateOcspResponse(response, der('leaf')), { error: 'no issuer certificate in chain' });
  });
});
