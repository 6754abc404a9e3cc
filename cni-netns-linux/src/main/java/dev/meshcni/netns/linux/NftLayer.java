package dev.meshcni.netns.linux;

import dev.meshcni.netfilter.NftRenderer;
import dev.meshcni.netfilter.NftTable;
import dev.meshcni.netfilter.NftTableComparison;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.RuleDifference;
import dev.meshcni.rules.RuleSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Our tables of nf_tables, all families in one transaction.
 *
 * @param wanted one rule set for each family; one without tables where there should be none
 */
record NftLayer(NftTool tool, List<RuleSet> wanted) implements Layer {
    private static final String WHAT = "the nftables rules";

    /** That no table of ours is there. */
    static NftLayer nothing(NftTool tool) {
        return new NftLayer(
                tool,
                Stream.of(IpFamily.values())
                        .map(family -> new RuleSet(family, Map.of()))
                        .toList());
    }

    @Override
    public void apply(NetfilterTables netfilter, Undo undo, Consumer<String> steps) {
        List<IpFamily> present = present(netfilter);
        Map<IpFamily, NftTable> found = tool.list(present);
        List<RuleSet> differing = wanted.stream()
                .filter(rules -> !differences(rules, found).isEmpty())
                .toList();
        if (differing.isEmpty()) {
            return;
        }
        List<IpFamily> families = differing.stream().map(RuleSet::family).toList();
        String before = tool.dump(families.stream().filter(present::contains).toList());
        undo.push(WHAT, () -> tool.load(deletions(families) + before));
        tool.load(differing.stream()
                .map(rules -> script(rules, present.contains(rules.family())))
                .collect(Collectors.joining()));
        steps.accept(WHAT);
        RuleDifferences.requireNone(differences(netfilter));
        steps.accept("reading back " + WHAT);
    }

    @Override
    public List<RuleDifference> differences(NetfilterTables netfilter) {
        Map<IpFamily, NftTable> found = tool.list(present(netfilter));
        return wanted.stream()
                .flatMap(rules -> differences(rules, found).stream())
                .toList();
    }

    private List<IpFamily> present(NetfilterTables netfilter) {
        return Stream.of(IpFamily.values())
                .filter(family -> tool.hasTable(netfilter, family))
                .toList();
    }

    private static List<RuleDifference> differences(RuleSet rules, Map<IpFamily, NftTable> found) {
        return NftTableComparison.differences(rules, Optional.ofNullable(found.get(rules.family())));
    }

    /** Deleting a table makes the transaction wait until no packet is in it, so a new pod is spared that. */
    private static String script(RuleSet rules, boolean present) {
        if (rules.tables().isEmpty()) {
            return NftRenderer.deletion(rules.family());
        }
        return present ? NftRenderer.script(rules) : NftRenderer.definition(rules);
    }

    private static String deletions(List<IpFamily> families) {
        return families.stream().map(NftRenderer::deletion).collect(Collectors.joining());
    }
}
