import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type ProxyHeader, readProxyHeader } from '../../../src/http/protocol/proxy-protocol.ts';

const complaints: string[] = [];
const read = (text: string): ProxyHeader | undefined => {
  complaints.length = 0;
  return readProxyHeader(text, (message) => complaints.push(message));
};
const V2 = '\r\n\r\n\0\r\nQUIT\n';

describe('the PROXY protocol', () => {
  test('a line', () => {
    const header = read('PROXY TCP4 1.2.3.4 5.6.7.8 11 22\r\nGET');
    assert.deepEqual(header, {
      info: { sourceAddress: '1.2.3.4', sourcePort: 11, destinationAddress: '5.6.7.8', destinationPort: 22 },
      end: 34,
    });
  });

  test('a line that says nothing', () => {
    assert.deepEqual(read('PROXY UNKNOWN what ever\r\nGET'), { info: undefined, end: 25 });
  });

  for (const line of [
    'PROXY TCP4 x 5.6.7.8 1 2\r\n',
    'PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n',
    'GET / HTTP/1.1\r\n',
    'PROXY',
  ]) {
    test(`refuses ${JSON.stringify(line)}`, () => {
      assert.equal(read(line), undefined);
      assert.deepEqual(complaints, [`broken header: "${line.trimEnd()}"`]);
    });
  }

  test('values of the second version', () => {
    const ssl = '\x01\0\0\0\x07\x21\0\x07TLSv1.3\x22\0\x02me';
    const tlvs = `\x01\0\x02h2\x05\0\x01u\x20\0${String.fromCharCode(ssl.length)}${ssl}\xe0\0\x01x`;
    const addresses = '\x01\x02\x03\x04\x05\x06\x07\x08\0\x0b\0\x16';
    const length = addresses.length + tlvs.length;
    const header = read(`${V2}\x21\x11\0${String.fromCharCode(length)}${addresses}${tlvs}rest`);
    assert.equal(header?.end, 16 + length);
    const names = [
      'alpn',
      'unique_id',
      'authority',
      'ssl_verify',
      'ssl_version',
      'ssl_cn',
      'ssl_cipher',
      '0x01',
      '0xE0',
      'none',
    ];
    assert.deepEqual(
      names.map((name) => header?.info?.tlv?.(name)),
      ['h2', 'u', undefined, '7', 'TLSv1.3', 'me', undefined, 'h2', 'x', undefined],
    );
  });

  test('a header of the second version that does not come whole', () => {
    assert.equal(read(`${V2}\x21\x11\0\x0c\x01\x02`), undefined);
    assert.deepEqual(complaints, ['header is too large']);
  });
});
