import type { NatsConnection } from 'nats';
import { Post } from './post';

/** One post for each connection. */
export class Posts {
  private readonly posts = new WeakMap<NatsConnection, Post>();

  constructor(private readonly onError: (error: Error) => void) {}

  on(connection: NatsConnection): Post {
    let post = this.posts.get(connection);
    if (!post) this.posts.set(connection, (post = new Post(connection, this.onError)));
    return post;
  }
}
