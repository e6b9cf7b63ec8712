/** The tables by subject. */
import type { Case } from '../case.ts';
import { access } from './access.ts';
import { control } from './control.ts';
import { delivery } from './delivery.ts';
import { filters } from './filters.ts';
import { headers } from './headers.ts';
import { peersCases } from './peers.ts';
import { requestBodies } from './request-bodies.ts';
import { responses } from './responses.ts';
import { store } from './store.ts';
import { uris } from './uris.ts';

export const subjects: Readonly<Record<string, readonly Case[]>> = {
  uris,
  headers,
  'request bodies': requestBodies,
  responses,
  peers: peersCases,
  control,
  delivery,
  filters,
  access,
  store,
};
