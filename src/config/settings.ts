import { suggest } from './suggestion.ts';

/**
 * The settings that also go on the command line and into the environment: enough for one source and one output.
 * The names of flag and variable follow from each other: `--audit-log-path` is `AUDITAIL_AUDIT_LOG_PATH`.
 */
export const SETTINGS = {
  auditLogPath: {
    flag: '--audit-log-path',
    argument: '<path>',
    about: "the API server's --audit-log-path: follow this log",
  },
  stdin: { flag: '--stdin', argument: '', about: 'read the trail from a pipe (kube-apiserver --audit-log-path=-)' },
  output: { flag: '--output', argument: '<type>', about: 'elasticsearch, loki, http, file or stdout' },
  url: { flag: '--url', argument: '<url,…>', about: 'endpoint of the output, or several' },
  index: { flag: '--index', argument: '<name>', about: 'index to write to (elasticsearch)' },
  dataStream: { flag: '--data-stream', argument: '<name>', about: 'data stream to write to (elasticsearch)' },
  labels: { flag: '--labels', argument: '<name=value,…>', about: 'labels of the stream (loki)' },
  format: {
    flag: '--format',
    argument: '<format>',
    about: 'ndjson, json, eventList, event or otlp (http); native or ecs (elasticsearch)',
  },
  compression: { flag: '--compression', argument: '<kind>', about: 'none or gzip (elasticsearch, http)' },
  outputPath: { flag: '--output-path', argument: '<path>', about: 'file to append to (file)' },
  stateDir: { flag: '--state-dir', argument: '<path>', about: 'directory for checkpoints, ledger and dead letters' },
  telemetryListen: {
    flag: '--telemetry-listen',
    argument: '<host:port|off>',
    about: 'address of /metrics, /healthz, /readyz',
  },
  logLevel: { flag: '--log-level', argument: '<level>', about: 'debug, info, warn or error' },
} as const satisfies Readonly<Record<string, Setting>>;

interface Setting {
  readonly flag: `--${string}`;
  /** Empty for a switch. */
  readonly argument: string;
  readonly about: string;
}

export type SettingName = keyof typeof SETTINGS;

/** Values as they were written; a switch is `true` or `false`. */
export type Settings = { readonly [Name in SettingName]?: string };

/** A setting that was given, and where. */
export interface Given {
  readonly name: SettingName;
  readonly text: string;
  /** `--url` or `AUDITAIL_URL`. */
  readonly origin: string;
}

export const SETTING_NAMES = Object.keys(SETTINGS) as readonly SettingName[];

export function variableOf(name: SettingName): string {
  return `AUDITAIL_${SETTINGS[name].flag.slice(2).replaceAll('-', '_').toUpperCase()}`;
}

/**
 * What the flags and the environment say together. A flag wins over its variable; and a flag that names a source wins
 * over the variable that names another.
 */
export function givenSettings(
  flags: Settings,
  environment: Readonly<Record<string, string | undefined>>,
): readonly Given[] {
  const sourceByFlag = flags.auditLogPath !== undefined || flags.stdin !== undefined;
  return SETTING_NAMES.flatMap((name): Given | readonly Given[] => {
    const flag = flags[name];
    if (flag !== undefined) return { name, text: flag, origin: SETTINGS[name].flag };
    const isSource = name === 'auditLogPath' || name === 'stdin';
    const variable = environment[variableOf(name)];
    if (variable === undefined || variable === '' || (isSource && sourceByFlag)) return [];
    return { name, text: variable, origin: variableOf(name) };
  });
}

/** Variables that look like ours and are not; those that Kubernetes sets for a Service named auditail are left alone. */
export function unknownVariables(
  environment: Readonly<Record<string, string | undefined>>,
): readonly { readonly name: string; readonly meant: string }[] {
  const known = ['AUDITAIL_CONFIG', ...SETTING_NAMES.map(variableOf)];
  return Object.keys(environment).flatMap((name) => {
    if (!name.startsWith('AUDITAIL_') || known.includes(name) || /^AUDITAIL_(SERVICE|PORT)(_|$)/.test(name)) return [];
    const meant = suggest(name, known);
    return meant === undefined ? [] : [{ name, meant }];
  });
}
