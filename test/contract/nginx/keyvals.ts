/** What every KeyvalApi does, the one in memory as well as a real NGINX. */
import { beforeEach, describe, expect, it } from 'vitest';
import { NEVER } from '../../../src/async/abort.js';
import type { KeyvalApi } from '../../../src/core/ports.js';

/** @param zone A zone of the http block; the suite empties it before each test. */
export function keyvalContract(api: () => KeyvalApi, zone: string): void {
  describe('keyvals', () => {
    beforeEach(async () => {
      const pairs = await api().keyvals(zone, NEVER);
      for (const key of pairs?.keys() ?? []) await api().removeKeyval(zone, key, NEVER);
    });

    it('sets an existing and a new key', async () => {
      await api().setKeyval(zone, 'lamp', 'one', NEVER);
      await api().setKeyval(zone, 'lamp/id/24:6f', '1 2\n{"a":"\\"ä"}', NEVER);
      await api().setKeyval(zone, 'lamp', 'two', NEVER);

      expect(await api().keyvals(zone, NEVER)).toEqual(
        new Map([
          ['lamp', 'two'],
          ['lamp/id/24:6f', '1 2\n{"a":"\\"ä"}'],
        ]),
      );
    });

    it('removes an existing and a missing key', async () => {
      await api().setKeyval(zone, 'lamp', 'one', NEVER);
      await api().removeKeyval(zone, 'lamp', NEVER);
      await api().removeKeyval(zone, 'lamp', NEVER);

      expect(await api().keyvals(zone, NEVER)).toEqual(new Map());
    });

    it('rejects a zone that NGINX does not have', async () => {
      expect(await api().keyvals('nonexistent', NEVER)).toBeUndefined();
      await expect(api().setKeyval('nonexistent', 'a', 'b', NEVER)).rejects.toMatchObject({ status: 404 });
    });
  });
}
