// For each type of the file RESOURCES in turn: create, read what was created, update it, delete it.
import http from 'k6/http';
import { BASE, FHIR, expect, load } from './options.js';

const resources = JSON.parse(open(__ENV.RESOURCES));
export const options = load();

export default function () {
  const [type, text] = resources[__ITER % resources.length];
  const unique = text.split('@@').join(`${__VU}-${__ITER}`);
  const created = http.post(`${BASE}/${type}`, unique, FHIR);
  expect(created, 201);
  const location = created.headers.Location;
  if (!location) return;
  const id = location.split('/_history')[0].split('/').pop();
  const url = `${BASE}/${type}/${id}`;
  expect(http.get(url, FHIR), 200);
  expect(http.put(url, `{"id":"${id}",${unique.slice(1)}`, FHIR), 200);
  expect(http.del(url, null, FHIR), Number(__ENV.DELETED));
}
