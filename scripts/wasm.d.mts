interface Kernel {
  readonly source: string;
  readonly module: string;
  readonly name: string;
}

export const KERNELS: readonly Kernel[];
export function renderKernel(kernel: Kernel): Promise<string>;
