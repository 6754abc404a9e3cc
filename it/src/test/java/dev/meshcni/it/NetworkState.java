package dev.meshcni.it;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Everything that could redirect a packet in a network namespace, as text that can be compared. */
final class NetworkState {
    private static final List<List<String>> QUESTIONS = List.of(
            List.of("iptables-save"),
            List.of("ip6tables-save"),
            List.of("nft", "list", "ruleset"),
            List.of("ip", "-4", "rule"),
            List.of("ip", "-6", "rule"),
            List.of("ip", "-4", "route", "show", "table", "all"),
            List.of("ip", "-6", "route", "show", "table", "all"),
            List.of("ip", "-oneline", "address"));

    private NetworkState() {}

    /** The answer to each question, in the namespace of the calling thread. */
    static Map<String, String> here() {
        Map<String, String> state = new TreeMap<>();
        for (List<String> question : QUESTIONS) {
            String answer = Command.of(question.toArray(String[]::new)).run();
            state.put(
                    String.join(" ", question),
                    answer.replaceAll("(?m)^#.*\n", "").replaceAll("\\[\\d+:\\d+]", ""));
        }
        return state;
    }

    static Map<String, String> in(Netns netns) {
        return netns.inside(NetworkState::here);
    }
}
