// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.plugin;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.meshcni.api.CniException;
import dev.meshcni.api.CniJson;
import dev.meshcni.api.CniResult;
import dev.meshcni.api.SpecVersion;
import java.util.Optional;
import java.util.Random;
import java.util.function.BooleanSupplier;
import net.jqwik.api.Assume;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;

/** A result is passed on as the types of the specification convert it. */
class PassedResultTest {
    @Property(tries = 20_000, shrinking = ShrinkingMode.OFF)
    void aResultIsConvertedAsTheTypesOfTheSpecificationConvertIt(
            @ForAll long seed, @ForAll SpecVersion from, @ForAll SpecVersion to) {
        Assume.that(from != to);
        String result = result(new Random(seed), from);

        // Between versions that arrange a result in the same way even one without an address passes.
        Assume.that(from.atLeast(SpecVersion.V0_3_0) || to.atLeast(SpecVersion.V0_3_0) || result.contains("\"ip"));

        Optional<JsonNode> expected = converted(result, from, to);
        Optional<JsonNode> passed = passed(result, to);

        assertThat(passed).as("%s to %s: %s", from, to, result).isEqualTo(expected);
    }

    private static Optional<JsonNode> converted(String result, SpecVersion from, SpecVersion to) {
        try {
            return Optional.of(CniResult.parse(CniJson.object(result.getBytes(UTF_8)), from)
                    .toJson(to));
        } catch (CniException e) {
            return Optional.empty();
        }
    }

    private static Optional<JsonNode> passed(String result, SpecVersion to) {
        try {
            return Optional.of(CniJson.object(
                    new PassedResult(Optional.of(JsonReader.object(result.getBytes(UTF_8))), to).json()));
        } catch (CniException e) {
            return Optional.empty();
        }
    }

    private static String result(Random random, SpecVersion version) {
        StringBuilder json = new StringBuilder("{\"cniVersion\":\"" + version.text() + "\"");
        if (version.atLeast(SpecVersion.V0_3_0)) {
            boolean rich = version.atLeast(SpecVersion.V1_0_0);
            list(json, "interfaces", random, () -> {
                json.append("{\"name\":\"eth").append(random.nextInt(9)).append('"');
                option(json, random, "mac", "\"02:00:00:00:00:01\"");
                if (rich) {
                    option(json, random, "mtu", "1500");
                }
                option(json, random, "sandbox", "\"/run/netns/a\"");
                if (rich) {
                    option(json, random, "socketPath", "\"/run/s\"");
                }
                option(json, random, "x-kept", "{\"a\":[1,null]}");
                json.append('}');
            });
            list(json, "ips", random, () -> {
                boolean ipv6 = random.nextBoolean();
                json.append(rich ? "{" : "{\"version\":\"" + (ipv6 ? 6 : 4) + "\",");
                json.append(random.nextBoolean() ? "\"interface\":0," : "");
                json.append(ipv6 ? "\"address\":\"fd00::7/64\"" : "\"address\":\"10.0.0.7/24\"");
                option(json, random, "gateway", ipv6 ? "\"fd00::1\"" : "\"10.0.0.1\"");
                json.append('}');
            });
            routes(json, random, random::nextBoolean);
        } else {
            family(json, random, "ip4", "10.0.0.7/24", "10.0.0.1");
            family(json, random, "ip6", "fd00::7/64", "fd00::1");
        }
        option(json, random, "dns", "{\"nameservers\":[\"10.0.0.53\"]}");
        option(json, random, "x-top", "\"kept\"");
        return json.append('}').toString();
    }

    private static void family(StringBuilder json, Random random, String name, String address, String gateway) {
        if (random.nextInt(3) > 0) {
            json.append(",\"")
                    .append(name)
                    .append("\":{\"ip\":\"")
                    .append(address)
                    .append('"');
            option(json, random, "gateway", "\"" + gateway + "\"");
            routes(json, random, () -> name.equals("ip6"));
            json.append('}');
        }
    }

    private static void routes(StringBuilder json, Random random, BooleanSupplier family) {
        list(json, "routes", random, () -> {
            boolean ipv6 = family.getAsBoolean();
            json.append(ipv6 ? "{\"dst\":\"::/0\"" : "{\"dst\":\"0.0.0.0/0\"");
            option(json, random, "gw", ipv6 ? "\"fd00::1\"" : "\"10.0.0.1\"");
            json.append('}');
        });
    }

    private static void option(StringBuilder json, Random random, String name, String value) {
        if (random.nextBoolean()) {
            json.append(",\"").append(name).append("\":").append(value);
        }
    }

    private static void list(StringBuilder json, String name, Random random, Runnable element) {
        int count = random.nextInt(4);
        if (count > 0) {
            json.append(",\"").append(name).append("\":[");
            for (int i = 0; i < count; i++) {
                json.append(i > 0 ? "," : "");
                element.run();
            }
            json.append(']');
        }
    }
}
