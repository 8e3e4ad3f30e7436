import { hex, text, u16, u32 } from './bytes.js';

/** What an app says of itself. Source: esp-idf, components/esp_app_format/include/esp_app_desc.h. */
interface Descriptor {
  readonly secureVersion: number;
  readonly version: string;
  readonly project: string;
  /** Date and time, as the compiler wrote them. */
  readonly built: string;
  readonly idf: string;
  readonly elfSha256: string;
}

/** Where the descriptor is, from the start of the image: behind the headers of the image and of its first segment. */
const DESCRIPTOR = 0x20;

const MAGIC = 0xabcd5432;

/** The project that every sketch of Arduino names: the descriptor is the core's, and the same in all of them. */
const ARDUINO = 'arduino-lib-builder';

export function hasDescriptor(image: Uint8Array): boolean {
  return u32(image, DESCRIPTOR) === MAGIC;
}

export function readDescriptor(image: Uint8Array): Descriptor {
  return {
    secureVersion: u32(image, 36),
    version: text(image, 48, 32),
    project: text(image, 80, 32),
    built: `${text(image, 128, 16)} ${text(image, 112, 16)}`.trim(),
    idf: text(image, 144, 32),
    elfSha256: hex(image.subarray(176, 208)),
  };
}

/** Whether the descriptor is that of Arduino's core, which says nothing of the sketch. */
export function isArduino({ project }: Descriptor): boolean {
  return project === ARDUINO;
}

/** The range of an image's header that names the chip's revisions: major × 100 + minor. */
export function revisionsOf(image: Uint8Array): { min: number; max: number } {
  return { min: u16(image, 15), max: u16(image, 17) };
}
