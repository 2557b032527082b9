// The origin's bridge: an express route that asks the daemon through axios and gives its
// answer back. Usage: node bridge.js HOST:PORT
'use strict';
const http = require('http');
const axios = require('axios');
const express = require('express');

const client = axios.create({
  baseURL: `http://${process.argv[2]}`,
  httpAgent: new http.Agent({ keepAlive: true }),
});

const app = express();
app.use(express.json());
app.post('/api/ml/predict/workload', async (req, res) => {
  const q = req.body;
  try {
    const { data } = await client.post('/api/ml/predict/workload', {
      agentId: `agent-${q.agent_id}`,
      historicalCpu: q.historical_cpu,
      historicalMemory: q.historical_memory,
      historicalGpu: q.historical_gpu,
      timeOfDay: q.time_of_day,
      dayOfWeek: q.day_of_week,
      currentCpu: q.current_cpu,
      currentMemory: q.current_memory,
      currentGpu: q.current_gpu,
    });
    const p = data.prediction;
    res.json({
      success: true,
      prediction: {
        source: 'model',
        model: 'tfjs',
        predicted_cpu: p.predictedCpu,
        predicted_memory: p.predictedMemory,
        predicted_gpu: p.predictedGpu,
        confidence: p.confidence,
      },
    });
  } catch (err) {
    res.status(502).json({ success: false, error: String(err.message) });
  }
});

const server = app.listen(0, '127.0.0.1', () => console.log(`READY 127.0.0.1:${server.address().port}`));
