// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.xpath.XPath;
import javax.xml.xpath.XPathConstants;
import javax.xml.xpath.XPathFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.w3c.dom.NodeList;

/** The BOM, which has no parent, lists what others need in the version of the build. */
class BomTest {
    private static final Path ROOT = Path.of("..");
    private static final String OURS = "dependency[groupId='dev.meshcni'";

    @Test
    void hasTheVersionOfTheBuild() throws Exception {
        assertThat(texts("bom/pom.xml", "/project/version")).isEqualTo(texts("pom.xml", "/project/version"));
    }

    @Test
    void listsWhateverItsArtifactsNeed() throws Exception {
        List<String> listed = texts("bom/pom.xml", "//" + OURS + "]/artifactId");

        assertThat(listed).contains("cni-api", "cni-core");
        for (String artifact : listed) {
            assertThat(texts(artifact + "/pom.xml", "/project/dependencies/" + OURS + " and not(scope)]/artifactId"))
                    .as("what %s needs", artifact)
                    .isSubsetOf(listed);
        }
    }

    private static List<String> texts(String pom, String path) throws Exception {
        Document document = DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(ROOT.resolve(pom).toFile());
        XPath xpath = XPathFactory.newInstance().newXPath();
        NodeList nodes = (NodeList) xpath.evaluate(path, document, XPathConstants.NODESET);
        List<String> texts = new ArrayList<>();
        for (int i = 0; i < nodes.getLength(); i++) {
            texts.add(nodes.item(i).getTextContent());
        }
        return texts;
    }
}
