/* The page's data as `gridmap/maps/page.py` writes them, and what its parts share. */

export type Value = string | number | boolean | null | undefined | Value[] | { [key: string]: Value };

export interface PackedColumn { type: "i1" | "i2" | "i4" | "f4"; data: string; digits?: number; texts?: string[]; key?: string }
export interface LegendClass { colour: string; label?: any; low?: number; high?: number; hatch?: boolean; bare?: boolean; below?: boolean; pale?: string; sparse?: boolean }
export interface Frames extends PackedColumn {
  periods: string[]; every: string; bounds: number[]; totals: number[];
  sums: { classes: LegendClass[]; bounds: number[] }; km2?: PackedColumn; counted?: Value;
}
/** A ranked place; `rank` and `index` are given by the list that shows it. */
export interface Ranked {
  name: Value; code: number; rows: number[]; values: Record<string, number>; zones: number; district?: string;
  peak_hours?: [number, number, number]; nearest?: Array<[string, number]>; rank: number; index: number;
}
export interface LayerData {
  id: string; kind: string; name: Value; role: "theme" | "overlay"; show: boolean; drawing: "shapes" | "lines" | "image";
  draw: any; classes: LegendClass[]; codes: string; unit: Value; method: string; params: Record<string, any>; notes: Value[];
  period: string | null; total: number | null; columns: any[]; ranked: Ranked[]; places?: PackedColumn; ids?: string[];
  compared?: { before: string; after: string } | null; total_before?: number; labels?: boolean; of_zones?: boolean; rank_by?: string | null; frames?: Frames; image?: { url: string; bounds: any }; patrol?: any; width_px?: number;
  ground?: { colour: string; rows: string; n: number }; surround?: string; ranks?: string; null?: Value; pale?: boolean; answers?: Record<string, [Value, Value]>; found?: Value; story?: StoryStep[];
}
/** `ranks`: how many of the first places the view holds; 0 is the whole area. */
export interface StoryStep { answer: string; title: Value; text: Value; theme: string; ranks: number }
export interface LiveLayer extends Omit<LayerData, "ground"> {
  rank_of?: Uint8Array; level_of?: Uint8Array | null; ground: () => number[]; ground_colour: string; ground_n: number;
  index: number; canvas: any; clock?: boolean; data_places?: boolean;
  columns: Array<{ key: string; read: (row: number) => any }>;
  shapes: () => Shapes; allCodes: () => any; codesNow: () => any; place: (row: number) => any; cell: (row: number) => any;
  amountNow?: ((row: number) => number) | null; countNow?: ((row: number) => number) | null; amountsOf: (periods: number[]) => Float64Array;
  showPeriods: (periods: number[], mode: string) => void; codesOfPeriod: (period: number) => Uint8Array; periodAt?: number;
  number?: number; colour?: string; byShift?: any; onShift?: any;
}
export interface Shapes {
  n: number; xy: Float64Array; ring: Uint32Array; row: Uint32Array; box: Float64Array; closed: boolean; points: boolean; scale?: number;
  find: ((lat: number, lon: number) => number) | null; id?: (row: number) => string;
}
export interface Paint { shapes: Shapes; classes: LegendClass[]; [key: string]: any }
export interface PageData {
  language: string; firm: number; languages: Array<{ tag: string; name: string; locale: string }>; words: Record<string, Record<string, string>>;
  head: any; bounds: [number, number, number, number]; h3: boolean; layers: LayerData[]; areas: any; opens: string; basemap: any;
  districts: Array<{ names: string[]; at: Array<[number, number]>; draw: any }>;
}
export interface State {
  language: string; theme: string | null; frame: number | null; selected: { layer: string; index: number } | null;
  tab: string | null; compare: string | null; shift: any; second: number | null;
}
/** What all parts share. Each part adds what it offers to the others. */
export interface Gm {
  data: PageData; state: State; busy: boolean; sharp: number; veil: number; comparing: string | null;
  part: (mount: () => void) => void; on: (event: string, act: (value?: any) => void) => void; emit: (event: string, value?: any) => void; mount: () => void;
  el: <K extends keyof HTMLElementTagNameMap>(tag: K, attributes?: Record<string, any> | null, ...children: any[]) => HTMLElementTagNameMap[K]; put: <T extends Element>(node: T, ...children: any[]) => T; clear: <T extends Element>(node: T) => T;
  typing: (event: any) => boolean; calm: () => boolean;
  languages: PageData["languages"]; locale: () => string;
  t: (code: string, values?: Record<string, Value>) => string; has: (code: string) => boolean; text: (value: Value) => string;
  pair: (label: string, value: string) => string; joined: (sentences: string[]) => string;
  number: (value: number | null | undefined, digits?: number) => string; signed: (value: number, digits?: number) => string;
  percent: (share: number, digits?: number) => string; value: (key: string, value: number | null | undefined) => string;
  column: (key: string, layer?: LiveLayer | null) => string; weightOf: (layer: LiveLayer) => string; unitOf: (layer: LiveLayer | null | undefined, n: number) => string; amount: (layer: LiveLayer | null | undefined, n: number) => string; weekday: (day: number) => string; period: (written: string | null, every?: string, month?: "short" | "long", locale?: string) => string;
  map: any; home: any; scaleOn: (map: any, most: number) => void; room_around: () => any; resized?: () => void; start: (map: any) => void;
  layers: LiveLayer[]; themes: LiveLayer[]; overlays: LiveLayer[]; byId: (id: string | null) => LiveLayer | null; theme: () => LiveLayer | null;
  openMapFile?: (file: File) => Promise<void>; Canvas: any; Surroundings: any; surroundHeight: (layer: LiveLayer) => string; drawingOf: (layer: LiveLayer, pane: string) => any; taken?: Array<[number, number, number, number]>; named?: Array<[number, number, number, number]>; PatrolCanvas: any; UnitCanvas: any; canvasOf: (layer: LiveLayer) => any; paintOf: (layer: LiveLayer) => Paint; pictureOn: (map: any, layer: LiveLayer, places: number[][], bare?: boolean, names?: () => string[]) => void; namesOn?: (map: any) => void; linked: () => boolean; markSize: () => number; marks: () => Array<[number, number]>; groundOn: (map: any, layer: LiveLayer, pane: string) => any;
  showTheme: (id: string) => void; showOverlay: (layer: LiveLayer, on: boolean) => void; boundsOf: (layer: LiveLayer, rows: number[]) => any;
  parts: Record<"header" | "panel" | "stage" | "side" | "foot" | "strip", HTMLElement>; tabs: Record<string, { button: HTMLElement; body: HTMLElement; word: string }>;
  addTab: (key: string, word: string) => HTMLElement; openTab: (key: string) => void; foldPanel: (folded: boolean) => void;
  setLanguage: (language: string) => void; tell: (message: string) => void; room: (on: boolean) => void;
  rankedLayer: () => LiveLayer | null; rankedRows: () => Ranked[]; placeOf: (row: any) => string; shownRanks: () => number; lines: (layer: LiveLayer, row: any) => string;
  select: (layer: LiveLayer | null, index?: number, fly?: boolean) => void; flyTo: (bounds: any) => void;
  border: (shapes: Shapes, rows: number[]) => Shapes; rowAt: (shapes: Shapes, lat: number, lon: number, reach: number) => number;
  describe: (layer: LiveLayer, row: number) => HTMLElement; swatch: (c: LegendClass) => HTMLElement; classText: (c: LegendClass) => string; legend: () => void;
  districtShapes?: Shapes; CORE: string; coresOf: (layer: LiveLayer) => number[][]; areaGo: (node: number, fly?: boolean) => void;
  periodGo: (i: number) => void; timeSource: () => string | null; timeOf: (key: string) => void;
  patrols: any[]; shifts: any[]; patrolLit: any; patrolCorner: any; patrolWay: any; patrolAt: any; clockTime: (start: string, seconds: number) => string; shiftNow: () => any;
  patrolMove: any; patrolsAtWork?: () => boolean; patrolTime: any; unitsAtStops: (second: number) => number;
  compare: (key?: string) => void; canCompare: () => boolean; tour: (on?: boolean) => void; story: (on?: boolean) => void; hasStory: () => boolean; measure: (on?: boolean) => void;
  view: () => string; setView: (fragment: string) => void; share: (button: HTMLElement) => void; copy: (text: string, button?: HTMLElement) => void;
  print: (paper: string) => void; printing: { before: () => void; after: () => void };
}

declare global {
  const L: any;
  const h3: { cellToBoundary: (id: any) => Array<[number, number]>; latLngToCell: (lat: number, lon: number, res: number) => string };
  const fflate: { unzlibSync: (bytes: Uint8Array) => Uint8Array };
  interface Window { gridmap: Gm }
}
