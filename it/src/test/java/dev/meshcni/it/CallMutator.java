// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Spoils calls of the plugin at random, lightly or beyond recognition. The same seed spoils in the same way. */
final class CallMutator {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final List<String> COMMANDS = List.of("ADD", "DEL", "CHECK", "GC", "STATUS", "VERSION");
    private static final List<String> VARIABLES =
            List.of("CNI_COMMAND", "CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_PATH", "CNI_ARGS");
    private static final List<String> NASTY = List.of(
            "",
            " ",
            "-",
            "..",
            "/",
            "../../etc/passwd",
            "/dev/null",
            "/proc/self/nonexistent",
            "eth0; reboot",
            "$(id)",
            "a=b;c",
            ";;",
            "=",
            "K8S_POD_NAME=x",
            "IgnoreUnknown=maybe",
            "%s%n",
            "\n",
            "é\u0301\u202e",
            "\ud800",
            "null",
            "0",
            "-1",
            "9999999999999999999999",
            "0.0.0.0/0",
            "ADD",
            "add",
            "x".repeat(16),
            "y".repeat(5000));
    private static final List<String> NASTY_JSON = List.of(
            "null",
            "true",
            "0",
            "-1",
            "1e400",
            "9999999999999999999999",
            "\"\"",
            "\"\\u0000\"",
            "\"../x\"",
            "[]",
            "{}",
            "[null]",
            "[[]]",
            "{\"\":{}}",
            "[0,\"a\",{}]",
            "{\"cniVersion\":\"9.9.9\"}",
            "\"0.1.0\"",
            "\"1.1.0\"");

    private final Random random;

    CallMutator(long seed) {
        this.random = new Random(seed);
    }

    /** One of the commands of the specification. */
    String command() {
        return COMMANDS.get(random.nextInt(COMMANDS.size()));
    }

    PluginCall spoil(PluginCall call) {
        PluginCall spoilt = call;
        for (int changes = random.nextInt(4); changes >= 0; changes--) {
            spoilt = switch (random.nextInt(8)) {
                case 0 -> spoilt.without(any(VARIABLES));
                case 1, 2 -> spoilt.with(any(VARIABLES), any(NASTY));
                case 3, 4, 5 -> changeNode(spoilt);
                case 6 -> spoilt.withInput(changeBytes(spoilt.input()));
                default -> spoilt.withInput(garbage());
            };
        }
        return spoilt;
    }

    private PluginCall changeNode(PluginCall call) {
        try {
            JsonNode root = JSON.readTree(call.input());
            List<Runnable> changes = new ArrayList<>();
            collect(root, changes);
            if (changes.isEmpty()) {
                return call;
            }
            changes.get(random.nextInt(changes.size())).run();
            return call.withInput(JSON.writeValueAsBytes(root));
        } catch (IOException e) {
            return call.withInput(changeBytes(call.input()));
        }
    }

    /** All ways to put something else, or nothing, in the place of a node. */
    private void collect(JsonNode node, List<Runnable> changes) {
        switch (node) {
            case ObjectNode object -> {
                for (String field : fieldNames(object)) {
                    changes.add(() -> object.set(field, nastyNode()));
                    changes.add(() -> object.remove(field));
                    collect(object.get(field), changes);
                }
                changes.add(() -> object.set(any(NASTY), nastyNode()));
            }
            case ArrayNode array -> {
                for (int i = 0; i < array.size(); i++) {
                    int index = i;
                    changes.add(() -> array.set(index, nastyNode()));
                    collect(array.get(i), changes);
                }
                changes.add(() -> array.add(nastyNode()));
            }
            case null, default -> {}
        }
    }

    private byte[] changeBytes(byte[] input) {
        if (input.length == 0) {
            return garbage();
        }
        int position = random.nextInt(input.length);
        return switch (random.nextInt(3)) {
            case 0 -> Arrays.copyOf(input, position);
            case 1 -> {
                byte[] changed = input.clone();
                changed[position] = (byte) random.nextInt(256);
                yield changed;
            }
            default -> {
                byte[] twice = Arrays.copyOf(input, input.length * 2);
                System.arraycopy(input, 0, twice, input.length, input.length);
                yield twice;
            }
        };
    }

    private byte[] garbage() {
        return switch (random.nextInt(4)) {
            case 0 -> new byte[0];
            case 1 -> "[".repeat(random.nextInt(20_000)).getBytes(StandardCharsets.UTF_8);
            case 2 -> "{\"a\":".repeat(random.nextInt(20_000)).getBytes(StandardCharsets.UTF_8);
            default -> {
                byte[] bytes = new byte[random.nextInt(300)];
                random.nextBytes(bytes);
                yield bytes;
            }
        };
    }

    private JsonNode nastyNode() {
        try {
            return random.nextBoolean() ? JSON.readTree(any(NASTY_JSON)) : JSON.valueToTree(any(NASTY));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("the constant is no JSON", e);
        }
    }

    private static List<String> fieldNames(ObjectNode object) {
        List<String> names = new ArrayList<>();
        object.fieldNames().forEachRemaining(names::add);
        return names;
    }

    private <T> T any(List<T> list) {
        return list.get(random.nextInt(list.size()));
    }
}
