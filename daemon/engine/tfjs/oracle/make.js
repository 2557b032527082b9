// Writes models of TensorFlow.js, rows and what TensorFlow.js computes for them: the
// vectors that the test of package tfjs compares with.
//
//   npm install @tensorflow/tfjs@4.22.0 && node make.js ../../../../testdata/oracle/tfjs
'use strict';
const fs = require('fs');
const path = require('path');
const tf = require('@tensorflow/tfjs');

const ROWS = 6;

// A generator of its own, so that the files repeat.
let state = 1;
function random() {
  state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
  return state / 0x7fffffff - 0.5;
}
const normal = () => Array.from({ length: 6 }, random).reduce((a, b) => a + b, 0);

// fill gives every weight numbers that leave traces; variances stay positive.
function fill(model) {
  for (const layer of model.layers) {
    const values = layer.getWeights().map((w, i) => {
      const n = w.size;
      const positive = layer.getClassName() === 'BatchNormalization' && i === layer.getWeights().length - 1;
      return tf.tensor(Array.from({ length: n }, () => (positive ? 0.5 + Math.abs(normal()) : normal() / 2)), w.shape);
    });
    layer.setWeights(values);
  }
  return model;
}

function sequential(...layers) {
  const m = tf.sequential();
  for (const l of layers) m.add(l);
  return m;
}

const dense = (units, activation, more) => tf.layers.dense({ units, activation, ...more });

function functional() {
  const x = tf.input({ shape: [8] });
  const y = dense(3, 'softmax').apply(tf.layers.leakyReLU({ alpha: 0.1 }).apply(dense(6, 'linear').apply(x)));
  return tf.model({ inputs: x, outputs: y });
}

const cases = {
  origin: () => sequential(dense(32, 'relu', { inputShape: [35] }), dense(16, 'relu'), dense(4, 'sigmoid')),
  dropout: () => sequential(dense(8, 'tanh', { inputShape: [5] }), tf.layers.dropout({ rate: 0.5 }), dense(2, 'linear', { useBias: false })),
  batchnorm: () => sequential(dense(8, 'relu', { inputShape: [5] }), tf.layers.batchNormalization({ epsilon: 0.01 }), dense(2), tf.layers.batchNormalization({ center: false, scale: false })),
  flatten: () => sequential(tf.layers.flatten({ inputShape: [10, 3] }), dense(4, 'elu'), dense(1, 'softplus')),
  layers: () => sequential(dense(6, 'linear', { inputShape: [4] }), tf.layers.reLU({ maxValue: 0.5 }), dense(6), tf.layers.elu(), dense(6), tf.layers.reLU(), dense(3), tf.layers.softmax()),
  activations: () => sequential(dense(6, 'relu6', { inputShape: [4] }), dense(6, 'hardSigmoid'), dense(6, 'swish'), tf.layers.activation({ activation: 'tanh' }), dense(3, 'softmax')),
  functional,
  inputlayer: () => sequential(tf.layers.inputLayer({ inputShape: [4] }), dense(2, 'sigmoid')),
};

// quantise stores float32 weights in as many bits, as tensorflowjs_converter does.
function quantise(artifacts, dtype) {
  const bits = dtype === 'uint8' ? 8 : 16;
  const all = new Float32Array(artifacts.weightData);
  const out = [];
  let at = 0;
  for (const spec of artifacts.weightSpecs) {
    const n = spec.shape.reduce((a, b) => a * b, 1);
    const values = all.subarray(at, at + n);
    at += n;
    const min = Math.min(...values);
    const scale = (Math.max(...values) - min) / (2 ** bits - 1) || 1;
    spec.quantization = { dtype, scale, min };
    const q = bits === 8 ? new Uint8Array(n) : new Uint16Array(n);
    values.forEach((v, i) => { q[i] = Math.round((v - min) / scale); });
    out.push(Buffer.from(q.buffer));
  }
  const data = Buffer.concat(out);
  artifacts.weightData = data.buffer.slice(data.byteOffset, data.byteOffset + data.length);
}

async function write(folder, name, model, dtype) {
  let artifacts;
  await model.save(tf.io.withSaveHandler(async (a) => { artifacts = a; return { modelArtifactsInfo: {} }; }));
  if (dtype) {
    quantise(artifacts, dtype);
    model = await tf.loadLayersModel(tf.io.fromMemory(artifacts));
  }
  const shape = model.inputs[0].shape.slice(1);
  const width = shape.reduce((a, b) => a * b, 1);
  const rows = Array.from({ length: ROWS }, () => Array.from({ length: width }, () => Math.fround(normal() * 2)));
  const output = model.predict(tf.tensor(rows.flat(), [ROWS, ...shape]));
  const values = await output.array();
  const dir = path.join(folder, name);
  fs.mkdirSync(dir, { recursive: true });
  fs.writeFileSync(path.join(dir, 'model.json'), JSON.stringify({
    format: 'layers-model', generatedBy: `TensorFlow.js tfjs-layers v${tf.version.tfjs}`, convertedBy: null,
    modelTopology: artifacts.modelTopology,
    weightsManifest: [{ paths: ['weights.bin'], weights: artifacts.weightSpecs }],
  }) + '\n');
  fs.writeFileSync(path.join(dir, 'weights.bin'), Buffer.from(artifacts.weightData));
  fs.writeFileSync(path.join(dir, 'case.json'), JSON.stringify({ rows, values }) + '\n');
}

async function main() {
  for (const [name, make] of Object.entries(cases)) await write(process.argv[2], name, fill(make()));
  await write(process.argv[2], 'quantised8', fill(cases.dropout()), 'uint8');
  await write(process.argv[2], 'quantised16', fill(cases.dropout()), 'uint16');
}
main();
