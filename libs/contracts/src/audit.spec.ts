import { answersFor, audiences, auditTopics, isTopic, questionsFor, services, topics, topology } from './index';

test('every edge of the topology is audited, and nothing else', () => {
  const edges = services.flatMap((publisher) =>
    [...audiences(publisher)].flatMap(([group, audited]) => audited.map((topic) => `${publisher} ${topic} ${group}`)),
  );
  const declared = topics.flatMap((topic) =>
    topology[topic].consumers.map((group) => `${topology[topic].publisher} ${topic} ${group}`),
  );
  expect(edges.sort()).toEqual(declared.sort());
  expect(audiences('email')).toEqual(new Map());
});

test('each service reads its questions and its answers, and neither can be taken for an event', () => {
  for (const service of services) {
    for (const topic of [questionsFor(service), answersFor(service)]) {
      expect(auditTopics).toContainEqual({ topic, groups: [service] });
      expect(isTopic(topic)).toBe(false);
    }
  }
});
