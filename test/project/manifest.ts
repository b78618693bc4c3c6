import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { REPOSITORY } from '../support/source-files.ts';

/** An object of daemonset.yaml. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
}

export interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface ConfigMap extends Manifest {
  readonly data: Readonly<Record<string, string>>;
}

export interface DaemonSet extends Manifest {
  readonly spec: { readonly template: { readonly metadata: Metadata; readonly spec: PodSpec } };
}

export interface PodSpec {
  readonly hostNetwork?: boolean;
  readonly hostPID?: boolean;
  readonly hostIPC?: boolean;
  readonly automountServiceAccountToken: boolean;
  readonly terminationGracePeriodSeconds: number;
  readonly securityContext: { readonly seccompProfile: { readonly type: string } };
  readonly containers: readonly Container[];
  readonly volumes: readonly { readonly name: string; readonly hostPath?: { readonly type: string } }[];
}

export interface Container {
  readonly args: readonly string[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly livenessProbe: { readonly httpGet: { readonly port: string } };
  readonly readinessProbe: { readonly httpGet: { readonly port: string } };
  readonly securityContext: unknown;
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string; readonly readOnly?: boolean }[];
}

/** The objects of daemonset.yaml, in order. */
export function manifests(): readonly Manifest[] {
  const documents = parseAllDocuments(readFileSync(join(REPOSITORY, 'daemonset.yaml'), 'utf8'));
  return [...documents].map((document) => {
    if (document.errors[0] !== undefined) throw document.errors[0];
    return document.toJS() as Manifest;
  });
}

export function configMap(): ConfigMap {
  return manifest('ConfigMap') as ConfigMap;
}

export function daemonSet(): DaemonSet {
  return manifest('DaemonSet') as DaemonSet;
}

export function manifest(kind: string): Manifest {
  const found = manifests().find((one) => one.kind === kind);
  if (found === undefined) throw new Error(`daemonset.yaml has no ${kind}`);
  return found;
}
