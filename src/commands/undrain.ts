export async function undrain(_: unknown): Promise<number> {
  return 1;
}
