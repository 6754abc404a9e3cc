// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class ChainTextTest {
    private static final ObjectNode ENTRY =
            CniJson.lenientObject("{\"type\":\"istio-cni\",\"list\":[\"a\",{\"b\":\"]},{\"}]}");
    private static final List<String> BLANKS = List.of("", "", "", " ", "  ", "\t", "\n", "\n    ", "\r\n\t", "\n\n");

    @Property
    void whatIsAppendedAndRemovedLeavesNoTrace(@ForAll @IntRange(min = 1, max = 5) int plugins, @ForAll long seed) {
        String text = list(plugins, new Random(seed));

        String appended = new ChainText(text).append(ENTRY);
        NetworkConfigList list = NetworkConfigList.parse(appended);

        assertThat(list.plugins()).hasSize(plugins + 1);
        assertThat(list.plugins().getLast().json()).isEqualTo(ENTRY);
        assertThat(new ChainText(appended).remove(plugins)).isEqualTo(text);
    }

    @Property
    void aPluginIsRemovedFromAnywhere(
            @ForAll @IntRange(min = 2, max = 5) int plugins,
            @ForAll @IntRange(max = 4) int position,
            @ForAll long seed) {
        String text = list(plugins, new Random(seed));
        int removed = position % plugins;

        NetworkConfigList list = NetworkConfigList.parse(new ChainText(text).remove(removed));

        assertThat(list.plugins())
                .extracting(NetworkConfigList.Plugin::type)
                .containsExactlyElementsOf(IntStream.range(0, plugins)
                        .filter(i -> i != removed)
                        .mapToObj(i -> "p" + i)
                        .toList());
    }

    @Property
    void theLastPluginIsReplacedInItsPlace(@ForAll @IntRange(min = 1, max = 5) int plugins, @ForAll long seed) {
        String appended = new ChainText(list(plugins, new Random(seed)))
                .append(CniJson.newObject().put("type", "old"));

        String replaced = new ChainText(appended).replaceLast(ENTRY);

        assertThat(NetworkConfigList.parse(replaced).plugins().getLast().json()).isEqualTo(ENTRY);
        assertThat(new ChainText(replaced).remove(plugins)).isEqualTo(new ChainText(appended).remove(plugins));
    }

    /** A list of plugins p0, p1, ... with blanks wherever JSON allows them, and confusing values. */
    private static String list(int plugins, Random random) {
        String elements = IntStream.range(0, plugins)
                .mapToObj(i -> "{~\"type\"~:~\"p" + i + "\"~,~\"x\"~:~[~{~}~,~\"\\\"],[{\\u0041\"~]~}")
                .collect(Collectors.joining("~,~"));
        String template = "~{~\"plugins\\u0020\"~:~[~]~,~\"name\"~:~\"a~b\"~,~\"plugins\"~:~[~" + elements
                + "~]~,~\"z\"~:~1.50~}~";
        StringBuilder text = new StringBuilder();
        boolean quoted = false;
        for (int i = 0; i < template.length(); i++) {
            char c = template.charAt(i);
            if (c == '"' && template.charAt(Math.max(0, i - 1)) != '\\') {
                quoted = !quoted;
            }
            text.append(c == '~' && !quoted ? BLANKS.get(random.nextInt(BLANKS.size())) : String.valueOf(c));
        }
        return text.toString();
    }
}
