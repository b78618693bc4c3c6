import { mkdirSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { LOG_FILES } from '../../../src/log/files.ts';
import { KubeletFiles } from '../../../src/source/cri/kubelet-files.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

/** Kubelet's folder with files in it: name, content, and the time of the last write as the stamp has it. */
function scene() {
  const root = temporaryDirectory();
  const put = (name: string, text: string, at: string) => {
    const path = join(root, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    utimesSync(path, new Date(at), new Date(at));
    utimesSync(dirname(path), new Date(at), new Date(at));
  };
  const files = new KubeletFiles(join(root, 'kube-system_kube-apiserver-*/kube-apiserver/*.log'), LOG_FILES);
  /** Contents in the order of the names, the live one last. */
  const order = async (): Promise<(string | null)[]> => {
    const names = (await files.list(dirname(files.livePath))).toSorted();
    const paths = [...names.map((name) => join(dirname(files.livePath), name)), files.livePath];
    return Promise.all(
      paths.map(async (path) => {
        if ((await files.factsOf(path)) === null) return null;
        const fd = await files.open(path);
        const text = readFileSync(fd, 'utf8');
        await files.close(fd);
        return text;
      }),
    );
  };
  return { root, put, files, order };
}

const POD = 'kube-system_kube-apiserver-node_1a2b/kube-apiserver';
const NEXT = 'kube-system_kube-apiserver-node_3c4d/kube-apiserver';

it('shows rotated files, starts of the container and pods in the order in which they were written', async () => {
  const { put, order } = scene();
  put(`${POD}/0.log.20261123-040000.gz`, 'one', '2026-11-23T04:10:00Z');
  put(`${POD}/0.log.20261123-041000`, 'two', '2026-11-23T04:10:00Z');
  put(`${POD}/0.log`, 'three', '2026-11-23T04:20:00Z');
  put(`${POD}/1.log.20261123-043000`, 'four', '2026-11-23T04:30:00Z');
  put(`${POD}/1.log`, 'five', '2026-11-23T04:40:00Z');
  put(`${NEXT}/0.log`, 'six', '2026-11-23T04:50:00Z');
  put('kube-system_etcd-node_5e6f/etcd/0.log', 'other', '2026-11-23T05:50:00Z');
  expect(await order()).toEqual(['one', 'two', 'three', 'four', 'five', 'six']);
});

it('reads stamps of another time zone', async () => {
  const { put, order } = scene();
  put(`${POD}/0.log.20261123-064500.gz`, 'one', '2026-11-23T04:59:00Z');
  put(`${POD}/0.log.20261123-065959`, 'two', '2026-11-23T04:59:58Z');
  put(`${POD}/0.log`, 'three', '2026-11-23T05:20:00Z');
  put(`${POD}/1.log`, 'four', '2026-11-23T05:21:00Z');
  expect(await order()).toEqual(['one', 'two', 'three', 'four']);
});

it('knows no live file while kubelet rotates, and takes none of a pod that has gone for it', async () => {
  const { root, put, order } = scene();
  put(`${POD}/0.log`, 'old pod', '2026-11-23T04:20:00Z');
  put(`${NEXT}/0.log`, 'new pod', '2026-11-23T04:40:00Z');
  expect(await order()).toEqual(['old pod', 'new pod']);
  renameSync(join(root, `${NEXT}/0.log`), join(root, `${NEXT}/0.log.20261123-044000`));
  expect(await order()).toEqual(['old pod', 'new pod', null]);
});

it('gives files that were closed in one second names of their own', async () => {
  const { put, order } = scene();
  put(`${POD}/0.log.20261123-040000`, 'one', '2026-11-23T04:00:00Z');
  put(`${NEXT}/0.log.20261123-040000`, 'two', '2026-11-23T04:00:00Z');
  put(`${NEXT}/0.log`, 'three', '2026-11-23T04:01:00Z');
  expect(await order()).toEqual(['one', 'two', 'three']);
});

it('changes the time of the directory when any of the directories changes', async () => {
  const { put, files } = scene();
  expect(await files.factsOf(dirname(files.livePath))).toBeNull();
  put(`${POD}/0.log`, 'one', '2026-11-23T04:20:00Z');
  const before = await files.factsOf(dirname(files.livePath));
  put(`${NEXT}/0.log`, 'two', '2026-11-23T04:20:00Z');
  expect((await files.factsOf(dirname(files.livePath)))?.mtimeMs).not.toBe(before?.mtimeMs);
});

it('changes nothing in the directories', async () => {
  const { files } = scene();
  await expect(files.unlink('x')).rejects.toThrow();
  await expect(files.link('x', 'y')).rejects.toThrow();
  await expect(files.makeDirectory('x')).rejects.toThrow();
  expect((await files.space()).total).toBeGreaterThan(0);
});
