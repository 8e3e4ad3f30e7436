export async function drain(_: unknown): Promise<number> {
  return 1;
}
