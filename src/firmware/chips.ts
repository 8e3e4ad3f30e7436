/** A chip that firmware is for, by the name that ESP-IDF calls its target. */
interface Chip {
  readonly name: string;
  /** The chip id in an image's header; undefined for the ESP8266, whose header has none. */
  readonly id?: number;
  /** As ESPHome's manifests spell it. */
  readonly family: string;
}

/** Source of the ids: esp-idf, components/bootloader_support/include/esp_app_format.h, and esptool's targets. */
const CHIPS: readonly Chip[] = [
  { name: 'esp32', id: 0, family: 'ESP32' },
  { name: 'esp32s2', id: 2, family: 'ESP32-S2' },
  { name: 'esp32c3', id: 5, family: 'ESP32-C3' },
  { name: 'esp32s3', id: 9, family: 'ESP32-S3' },
  { name: 'esp32c2', id: 12, family: 'ESP32-C2' },
  { name: 'esp32c6', id: 13, family: 'ESP32-C6' },
  { name: 'esp32h2', id: 16, family: 'ESP32-H2' },
  { name: 'esp32p4', id: 18, family: 'ESP32-P4' },
  { name: 'esp32c61', id: 20, family: 'ESP32-C61' },
  { name: 'esp32c5', id: 23, family: 'ESP32-C5' },
  { name: 'esp32h21', id: 25, family: 'ESP32-H21' },
  { name: 'esp32h4', id: 28, family: 'ESP32-H4' },
  { name: 'esp32e22', id: 31, family: 'ESP32-E22' },
  { name: 'esp32s31', id: 32, family: 'ESP32-S31' },
  { name: 'esp8266', family: 'ESP8266' },
];

export const CHIP_NAMES: readonly string[] = CHIPS.map(({ name }) => name);

/** The chip with this id in an image's header. */
export function chipById(id: number): Chip | undefined {
  return CHIPS.find((chip) => chip.id === id);
}

/** The chip of this name. */
export function chipByName(name: string): Chip | undefined {
  return CHIPS.find((chip) => chip.name === name);
}
