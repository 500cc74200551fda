// @ts-check
// Everything that a codec makes of a grid and of a clip.

import { HOP } from "../../distill/browser/units.js";
import { open, read, write } from "./files.js";

const { codec, codes, grid, numFrames, columns: gridColumns } = await open();
write("mel.f32", codec.logMel(grid, 0, numFrames));
write("mel1.f32", codec.logMel(grid, 0, numFrames, 1));
write("sound.f32", codec.sound(grid, 0, numFrames));
write("audition.f32", codec.audition(codec.levels - 1, codec.size - 1));
const [cells, quiet] = ["cells.u16", "quiet.u16"].map((name) => new Uint16Array(read(name)));
const mixed = codec.openGrid(codes, gridColumns, numFrames, quiet);
codec.sound(mixed, 0, numFrames);
const faders = Uint32Array.from(codes, (_, index) => codes.length + index);
codec.put(mixed, faders, cells.subarray(codes.length));
write("mixed.f32", codec.logMel(mixed, 0, numFrames));
write("mixed1.f32", codec.logMel(codec.openGrid(cells, gridColumns, numFrames, quiet), 0, numFrames, 1));
const clip = new Float32Array(read("clip.f32"));
write("front_end.f32", codec.logMelOf(clip));
const frames = Math.ceil(clip.length / HOP);
const columns = Math.ceil(frames / codec.timeStride);
write("encoded.u16", codec.encode(clip, 0, columns));
const { levels, size, dim, timeStride, reach, hasEncoder } = codec;
console.log(JSON.stringify({ levels, size, dim, timeStride, reach, hasEncoder, columns, frames }));
