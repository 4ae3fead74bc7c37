/* Node's own zlib under the names that the page's library has. */
import zlib from "node:zlib";

export const deflateSync = (bytes) => zlib.deflateSync(bytes);
export const unzlibSync = (bytes) => new Uint8Array(zlib.inflateSync(bytes));
