import { pino } from 'pino';
import { Metrics } from '../metrics';
import { observe } from './observer';
import { observeRpc } from './rpc-observer';

test('requests are counted by name and outcome, and what nobody knows makes no figures of its own', async () => {
  const [log, metrics] = [pino({ level: 'silent' }), new Metrics('test')];
  const observer = observeRpc(log, metrics, observe(log, metrics));
  observer.asked('inventory.availability', 20);
  observer.asked('inventory.availability', 2_000, 'timeout');
  observer.answered('inventory.availability', 3);
  observer.answered('made.up.by.a.stranger', 1, { type: 'urn:order-events:problem:unknown-type', status: 501 });
  observer.cameLate();
  observer.unanswered('expired', 'too old');
  const shown = (await metrics.registry.metrics())
    .split('\n')
    .filter((line) => /^(rpc_.*_count|order_events_rpc_)/.test(line))
    .map((line) => line.replace(/,?(service="test"|rpc_system_name="order-events"),?/g, ''))
    .sort();
  expect(shown).toEqual([
    'order_events_rpc_dropped_total{reason="expired"} 1',
    'order_events_rpc_dropped_total{reason="late_reply"} 1',
    'rpc_client_call_duration_seconds_count{rpc_method="inventory.availability",error_type="timeout"} 1',
    'rpc_client_call_duration_seconds_count{rpc_method="inventory.availability"} 1',
    'rpc_server_call_duration_seconds_count{rpc_method="_OTHER",error_type="501"} 1',
    'rpc_server_call_duration_seconds_count{rpc_method="inventory.availability"} 1',
  ]);
});
