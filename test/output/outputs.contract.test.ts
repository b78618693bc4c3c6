import type { Metadata } from '../../src/output/metadata.ts';
import { createElasticsearchOutput } from '../../src/output/elasticsearch/elasticsearch.ts';
import { createHttpOutput } from '../../src/output/http/http.ts';
import { createLokiOutput } from '../../src/output/loki/loki.ts';
import { createTransport } from '../../src/output/http-transport.ts';
import { BULK_ROWS } from './elasticsearch/recorded-replies.ts';
import { HTTP_ROWS } from './http/recorded-replies.ts';
import { LOKI_ROWS } from './loki/recorded-replies.ts';
import { contract } from './support/contract.ts';
import { outputConfig } from './support/network-output.ts';
import { PROXY_ROWS } from './support/proxy-replies.ts';

const userAgent = 'auditail/test';
const metadata: Metadata = { cluster: 'test' };

const elasticsearch = (url: string) => {
  const config = outputConfig('elasticsearch', { url, dataStream: 'logs-audit-default' });
  return createElasticsearchOutput(config, metadata, createTransport(config, { userAgent, environment: {} }));
};

const http = (url: string) => {
  const config = outputConfig('http', { url });
  return createHttpOutput(config, metadata, createTransport(config, { userAgent, environment: {} }));
};

const loki = (url: string) => {
  const config = outputConfig('loki', { url });
  return createLokiOutput(config, metadata, createTransport(config, { userAgent, environment: {} }));
};

contract('elasticsearch behind a proxy', elasticsearch, PROXY_ROWS);
contract('elasticsearch', elasticsearch, BULK_ROWS);
contract('http behind a proxy', http, PROXY_ROWS);
contract('http', http, HTTP_ROWS);
contract('loki behind a proxy', loki, PROXY_ROWS);
contract('loki', loki, LOKI_ROWS);
