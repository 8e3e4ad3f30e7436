/** An NGINX in memory that answers devices from its keyval zone `firmware`. */
import { type Catalogue, decode } from '../../src/firmware/shared/catalogue.js';
import { FakeKeyvals } from './fake-keyvals.js';

export class FakeFirmwareNginx extends FakeKeyvals {
  constructor(readonly name: string) {
    super('firmware');
  }

  /** What devices of a type are offered; undefined while nothing is. */
  catalogue(type: string): Catalogue | undefined {
    return decode(this.zones.get('firmware')?.get(type) ?? '');
  }
}
