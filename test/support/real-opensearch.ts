import { setTimeout as sleep } from 'node:timers/promises';
import { ask, type Held, type RealReceiver, serverScripts } from './real-receiver.ts';

const BODY = { type: 'flat_object' };
/** The client's own objects are kept as they come: mapped field by field they would exclude one another. */
const MAPPINGS = {
  properties: {
    '@timestamp': { type: 'date' },
    requestObject: BODY,
    responseObject: BODY,
    annotations: BODY,
    user: { properties: { extra: BODY } },
    impersonatedUser: { properties: { extra: BODY } },
  },
};
/** No run of a test makes more. */
const MAX_EVENTS = 1_000_000;

/** `folder`: that of its start scripts. */
export async function startOpenSearch(folder: string): Promise<RealReceiver> {
  const server = await serverScripts(folder, 'OS', {});
  await server.up();
  return {
    async prepare(run) {
      const settings = { number_of_replicas: 0, max_result_window: MAX_EVENTS };
      await ask('PUT', `${server.url}/${run}`, { settings, mappings: MAPPINGS });
      return { type: 'elasticsearch', url: server.url, index: run };
    },
    async outage(ms) {
      await server.down();
      await sleep(ms);
      await server.up();
    },
    async held(run) {
      await ask('POST', `${server.url}/${run}/_refresh`);
      const { count } = await ask('GET', `${server.url}/${run}/_count`);
      return { names: await ids(`${server.url}/${run}`), stored: Number(count) };
    },
    stop: () => server.remove(),
  };
}

async function ids(index: string): Promise<Held['names']> {
  const { hits } = (await ask('POST', `${index}/_search`, { size: MAX_EVENTS, _source: false })) as {
    hits: { hits: { _id: string }[] };
  };
  return new Set(hits.hits.map((hit) => hit._id));
}
