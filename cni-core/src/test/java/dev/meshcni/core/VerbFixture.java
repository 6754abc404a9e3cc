// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.core;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.meshcni.api.chain.ChainAdapters;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** A handler with pods, a backend and a store of its own. */
abstract class VerbFixture {
    static final Duration BUDGET = Duration.ofSeconds(20);
    static final Path NETNS = Path.of(Calls.NETNS);
    static final ObjectMapper JSON = new ObjectMapper();

    final ListedPods pods = new ListedPods();
    final MemoryBackend backend = new MemoryBackend();
    final MemoryStore store = new MemoryStore();
    final PluginHandler handler = handler();

    /** An agent that begins with what is in the store. */
    final PluginHandler handler() {
        return new PluginHandler(
                pods,
                pods::notReady,
                Backends.of(List.of(backend)),
                new PrevResultCheck(ChainAdapters.installed()),
                Duration.ofSeconds(1),
                store);
    }

    final Answer handle(String command) {
        return handler.handle(Calls.call(command, "shop", "web"), BUDGET);
    }

    static JsonNode error(Answer answer) throws JsonProcessingException {
        assertThat(answer.reply().exitCode()).isEqualTo(1);
        return JSON.readTree(Calls.text(answer.reply()));
    }
}
