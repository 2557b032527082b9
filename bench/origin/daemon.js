// The origin's inference daemon, as small as it can be and still be one: an express
// route that turns a workload question into 35 columns and asks a dense network of
// 35-32-16-4 in TensorFlow.js, on the backend that the package brings.
'use strict';
const express = require('express');
const tf = require('@tensorflow/tfjs');

const SAMPLES = 10;
const GIB = 2 ** 30;

const model = tf.sequential();
model.add(tf.layers.dense({ inputShape: [35], units: 32, activation: 'relu' }));
model.add(tf.layers.dense({ units: 16, activation: 'relu' }));
model.add(tf.layers.dense({ units: 4, activation: 'sigmoid' }));

function columns(q) {
  const x = [];
  for (const history of [q.historicalCpu, q.historicalMemory.map((v) => v / GIB), q.historicalGpu]) {
    for (let i = 0; i < SAMPLES; i++) x.push(history[i] ?? 0);
  }
  x.push(q.timeOfDay / 24, q.dayOfWeek / 7, q.currentCpu, q.currentMemory / GIB, q.currentGpu ?? 0);
  return x;
}

const app = express();
app.use(express.json());
app.post('/api/ml/predict/workload', async (req, res) => {
  const input = tf.tensor2d([columns(req.body)]);
  const output = model.predict(input);
  const [cpu, memory, gpu, confidence] = await output.data();
  input.dispose();
  output.dispose();
  res.json({
    success: true,
    prediction: { predictedCpu: cpu, predictedMemory: Math.round(memory * 64 * GIB), predictedGpu: gpu, confidence },
  });
});

const server = app.listen(0, '127.0.0.1', () => console.log(`READY 127.0.0.1:${server.address().port}`));
