"""Words that give an intent or a difficulty away, language by language: a table, no logic.

Each language has one line of cues for each label; `hard` and `easy` speak for the complexity,
`limits` for constraints. A cue is a word; `word*` any word that begins so; `two_words` a phrase;
`!` after it doubles its weight, `?` halves it. Scripts without spaces match anywhere. `marks` are
small words by which the language is recognised: only tables of languages seen are read.
"""

from __future__ import annotations

ENGLISH: dict[str, str] = {
    "code": "code* function*! python! javascript! typescript! rust! golang! java! c++! kotlin swift?"
    " regex*! script* bug* debug*! refactor*! compil* unit_test*! pytest! api? class? bash! docker*!"
    " kubernetes! git! commit_message! implement*? algorithm* endpoint* react! django! flask! css!"
    " html! stack_trace! traceback! exception* segfault! null_pointer! npm! pip! makefile! terraform!"
    " method? library? linked_list! binary_tree! recursi* async! mutex! goroutine*! thread-safe!"
    " leetcode! webpack! lint* program? programming variable? array? hashmap! dockerfile! hook?"
    " component? race_condition! memory_leak! shell_command! one-liner! pull_request! crash*? parser!"
    " compiler! cron! leap_year? lru_cache! singleton! decorator! coroutine*! borrow_checker!",
    "math": "calculat*! comput*? solve*! equation*! integral*! integrate derivative*! probabilit*!"
    " percent* sum_of theorem* matri* polynomial*! how_many? how_much? square_root! arithmetic"
    " geometr* algebra* prime? primes factorial! eigenvalue*! differential_equation*! triangle?"
    " divisible! remainder! fraction? simplif*? average? compound_interest! modulo! gcd! limit_of"
    " converge* series? vector? derive? perimeter! hypotenuse! logarithm* multipl* divided_by! evaluate?"
    " prove! proof! lemma! bijection! topolog*! holomorphic! isomorph*! what_is_the_sum! per_hour?"
    " plus? minus? times? standard_deviation! radius! in_total? mod? roots_of! permutation*! dice!",
    "reasoning": "why? reason*? logic* puzzle*! deduc*! infer*? argue? argument? trade-off*! tradeoff*!"
    " root_cause! compare* versus? vs evaluate? analyse*? analyze*? explain_why! what_would_happen!"
    " pros_and_cons! critique! paradox! if_all! therefore? who_is_lying! knights_and_knaves!"
    " assess*? implication*! consequence* counterfactual! is_it_possible? should_i? should_we?"
    " how_would! riddle! houses_in_a_row! ethic* dilemma! step_by_step would_it? can_a? could_a?"
    " diagnos*? strateg*? weigh? justify! who_owns! suppose? conclude?",
    "summarize": "summar*! tl_dr! tldr! key_points! main_points! gist! in_short condens*! recap!"
    " digest_of takeaway*! main_idea! in_one_sentence? in_two_sentences? abstract_of! shorten? brief_of"
    " highlights_of! boil_down! executive_summary! bullet_points?",
    "translate": "translat*! in_french in_spanish in_german in_japanese into_english! into_french!"
    " into_spanish! into_german! into_italian! into_chinese! into_japanese! into_korean!"
    " how_do_you_say! how_do_i_say! to_english? to_french? to_spanish? to_german? locali*ation!"
    " back-translat*! in_italian in_portuguese in_chinese in_arabic in_russian",
    "extract": "extract*! pull_out! list_all_the! find_all! identify? classif*! categori*e*! label?"
    " sentiment! positive_or_negative! named_entit*! key-value according_to_the_text!"
    " according_to_the_passage! from_the_text! in_the_text_below! highlight? detect? parse_the? tag"
    " which_line! first_line! last_line! mentioned_in! from_this! from_the_following! in_the_first_line!"
    " which_of_these_mentions spam! is_this_review! in_this_log! in_the_log! the_passage the_paragraph?"
    " fill_in_the_fields",
    "rewrite": "rewrit*! rephras*! paraphras*! proofread*! fix_the_grammar! fix_grammar! correct_the!"
    " grammar polish improve_this! make_this! make_it_more! make_it_sound! reword*! more_formal!"
    " more_polite! more_concise! shorten! simplify_this! edit_this! fix_the_spelling! typos!"
    " clean_up_this_text! in_plain_english tone? change_the_tone! sound_less! uppercase lowercase"
    " correct_this! correct_any!",
    "writing": "write* draft*! compos* essay*! poem*! haiku! story! stories letter! email* e-mail* blog*!"
    " article? speech! lyrics! song? script? cover_letter! limerick! sonnet! product_description!"
    " newsletter! toast? eulogy! screenplay! dialogue? novel? chapter? caption* slogan? tweet* post?"
    " press_release! announcement! paragraph_about! invitation! paragraph? fiction* note_to essay_on!",
    "brainstorm": "brainstorm*! ideas! idea? suggest*! names_for! name_ideas! come_up_with! list_of_ways"
    " ways_to! suggestions! creative? think_of! options_for alternatives tips? propose? gift* taglines!"
    " what_should_i_call! what_could_i! give_me_*? inspire* recommend* titles_for! topics_for!",
    "factual": "what_is what's? who! who's when? where? which? capital_of! define! definition_of! meaning_of!"
    " how_tall! how_old! how_far! what_year! in_what_year! when_did! when_was! who_is! who_wrote!"
    " who_invented! where_is! what_does? tell_me_about explain? describe? how_does? what_are?"
    " difference_between population_of! author_of! president? history_of mean? whose? largest highest"
    " stand_for! fact* true_or_false boiling_point! synonym* what_causes how_do_i? how_to?",
    "chat": "hi! hello! hey! thanks! thank_you! good_morning! good_evening! good_night! how_are_you!"
    " bye! goodbye! lol! i_feel! i'm_feeling! i_am_feeling! nice_to_meet! what's_up! you_there!"
    " are_you_ok! i'm_so! i_miss! pretend! role-play! roleplay! let's_chat! talk_to_me! act_as you_are_a"
    " bored! cheer_me_up! tell_me_a_joke! joke? my_day! welcome_back! cool! haha! sup! okay? congrats!"
    " i'm_sad! feeling? lonely! stressed!",
    "data": "sql! query? select? join? dataframe*! pandas! csv! spreadsheet*! excel! dataset*! table?"
    " pivot_table! chart! plot? column*! rows? schema? database! group_by! vlookup! json? aggregate!"
    " data_analysis! regression! correlation! outlier*! time_series! histogram! visualiz* dashboard*!"
    " postgres*! mysql! sqlite! data? tableau! formula? xlookup! etl! churn! records? window_function!"
    " kpi* p-value! cohort*! groupby!",
    "agentic": "browse! search_the_web! book_a! book_me! run_the_command! deploy* create_a_file!"
    " use_the_tool*! call_the? automate! workflow? agent! send_an_email_to! send_a? monitor? schedule_a!"
    " open_the? download! and_then? look_up! log_in! fetch! set_up_a? install_and! in_my_calendar!"
    " remind_me! order_me! purchase! go_through_the_repo! repository? open_a_pull_request! run_the_tests!"
    " search_for! upload! reserve! turn_on! turn_off! play? add_to_cart! tools? post_it_to! notify! file_a"
    " edit_the_files! email_it_to! save_it_to! every_morning! keep_going_until! check_my",
    "hard": "prov*! proof*! rigorous*! theorem*! lemma! asymptotic*! np-hard! np-complete! concurren*!"
    " distributed! consensus! race_condition*! deadlock*! lock-free! byzantine! eigenvalue* manifold*!"
    " homomorph*! isomorph*! stochastic*! bayesian! optimi*e? trade-off* tradeoff* root_cause!"
    " architect*! formal_* derive! derivation! complexity? edge_case* security_review! thread-safe!"
    " differential_equation*! quantum! regulat*? liabilit* jurisdiction* multi-tenant!"
    " migration_plan! zero_downtime! zero-downtime! raft! paxos! crdt*! linearizab*! cohomolog*!"
    " galois! sylow! riemann*! hilbert! topolog*! fourier laplac* lagrangian! hamiltonian! navier*!"
    " gödel! compactness! measure_theor*! martingale*! ito! markov monte_carlo gradient_descent"
    " backpropagat* transformer_architecture compiler! garbage_collect*! allocator! kernel_module!"
    " type_system! type_inference! cryptograph*! zero-knowledge! elliptic_curve*! side-channel!"
    " vulnerabilit* exploit* pharmacokinetic*! differential_diagnosis! contraindicat*! pathophysiolog*!"
    " biochem* thermodynamic* stoichiometr* antitrust! fiduciary! indemnif*! constitutional tort!"
    " derivatives_pricing black-scholes! arbitrage econometric*! game-theoretic! nash_equilibri*!"
    " counterexample*! bijection! combinatorial! induction recurrence amorti*ed! dynamic_programming!"
    " minimi*e? scalab* sharding! replicat* failover idempoten*! exactly-once! backpressure!"
    " lock-step simulat*? from_scratch? production-ready? refactor_the? reverse_engineer! heap_corruption!"
    " memory_leak* undefined_behavio* simd! cuda! holomorphic! convergen* uniqueness noetherian! irrational"
    " spectral! category_theory! functor! monad* epistemolog* hermeneutic* deontolog* counterfactual!"
    " macroeconomic* monetary_policy geopolit* causal* confound*! instrumental_variable*! rate_limiter"
    " event_sourcing! saga_pattern! eventual_consisten*! incident? postmortem threat_model! villanelle!"
    " sestina! knights_and_knaves! zebra_puzzle! who_owns! perihelion! relativ*! tensor*! entropy? llvm!"
    " borrow_checker! memory_model! hard_real-time! bounded_gap*! halting! decidab*! ramsey! isoperimetric! memory_order*! happens-before! topos! ergodic! cauchy! lebesgue!",
    "easy": "capital_of! what_time! spell! synonym* antonym* rename hello! thanks! what_day! define"
    " how_do_you_say! count_the first_line! last_line! sort_these! uppercase! lowercase! convert"
    " capitali*e what_color! what_colour! how_many_days! how_many_legs! opposite_of! plural_of!"
    " past_tense! alphabetical*! fix_the_typo! hello_world! who_wrote! tell_me_a_joke! in_one_word"
    " how_old! what_is_your_name! boiling_point rhymes_with! yes_or_no is_this_review sentiment"
    " fix_the_spelling! stand_for",
    "limits": "must shall without at_most at_least exactly only unless except ensure require* no_more_than"
    " never always each every between avoid include* but_not while_keeping do_not don't given_that"
    " subject_to under_the_constraint provided_that cannot",
    "marks": "the of and is what how for with you are write my please a to in i",
}

LATIN: dict[str, dict[str, str]] = {
    "es": {
        "code": "función! código! script programa* depura*! implementa? clase? error? consulta? python!",
        "math": "calcula*! resuelve*! ecuaci*! integral derivada! probabilidad! raíz! suma? cuántos? cuánto_es!",
        "reasoning": "por_qué analiza*! compara*! razona*! argumenta! acertijo! ventajas_y_desventajas!",
        "summarize": "resum*! puntos_clave! síntesis!",
        "translate": "traduc*! tradúce*! cómo_se_dice! al_inglés al_francés",
        "extract": "extrae*! clasifica*! identifica? enumera_todos! sentimiento!",
        "rewrite": "reescrib*! reformula*! corrige*! parafrasea*! mejora_este!",
        "writing": "escrib* redacta*! poema*! cuento! carta! ensayo! correo? artículo? discurso!",
        "brainstorm": "ideas! sugier*! propón*! nombres_para! lluvia_de_ideas!",
        "factual": "qué? quién! cuándo! dónde! cuál? capital_de! define! qué_es explica?",
        "chat": "hola! gracias! buenos_días! buenas! cómo_estás! adiós! qué_tal!",
        "data": "sql! tabla? csv! base_de_datos! excel! hoja_de_cálculo! datos? columna* gráfico",
        "agentic": "reserva*! automatiza*! busca_en! envía! ejecuta! despliega! descarga! luego?",
        "hard": "demuestra*! demostración! teorema*! riguros* arquitectura* distribuid*! concurren*! cuántic*!"
        " optimiza? complejidad jurisdic* diagnóstico_diferencial! algebraic* causal* autovalor*!",
        "easy": "capital_de! hola! gracias! sinónimo* cómo_se_dice! qué_hora! deletrea!",
        "limits": "debe* sin al_menos como_máximo exactamente solo sólo salvo cada nunca siempre incluy* evita*",
        "marks": "el la los las de que y en un una por para cómo qué es del se con me mi",
    },
    "fr": {
        "code": "fonction! code! script programme? débogue*! implémente? classe? bogue python!",
        "math": "calcule*! résou*! résol*! équation*! intégrale! dérivée! probabilité! racine! combien_font! combien?",
        "reasoning": "pourquoi analyse*! compare*! raisonne* énigme! avantages_et_inconvénients! argumente!",
        "summarize": "résume*! résumé! points_clés! synthèse! synthétise!",
        "translate": "tradui*! traduction! comment_dit-on! en_anglais en_espagnol",
        "extract": "extrai*! classe_ces identifie? relève! sentiment! liste_tous!",
        "rewrite": "réécri*! reformule*! corrige*! paraphrase*! améliore_ce!",
        "writing": "écri* rédige*! poème*! histoire? lettre! essai! courriel! discours! nouvelle?",
        "brainstorm": "idées! suggère*! propose*! noms_pour! suggestions!",
        "factual": "qui? quand? où? quel? quelle? capitale_de! définis! qu'est-ce explique?",
        "chat": "bonjour! salut! merci! bonsoir! ça_va! au_revoir! coucou!",
        "data": "sql! tableau? csv! base_de_données! excel! feuille_de_calcul! données? colonne*",
        "agentic": "réserve*! automatise*! recherche_sur! envoie! exécute! déploie! télécharge! ensuite?",
        "hard": "démontre*! prouve*! preuve! théorème*! rigoureu* architecture* distribué*! concurren*! quantique!"
        " optimise? complexité juridi* diagnostic_différentiel! asymptotique! causal*",
        "easy": "capitale_de! bonjour! merci! synonyme* comment_dit-on! quelle_heure! épelle!",
        "limits": "doit doivent sans au_moins au_plus exactement seulement sauf chaque jamais toujours inclu* évite*",
        "marks": "de que ne pas au il le la les des et un une est pour dans avec ce du qui sur je vous moi en",
    },
    "de": {
        "code": "funktion! code! skript programm* programmier*! debugg*! implementier* klasse? fehler? python!",
        "math": "berechne*! gleichung*! integral! ableitung! wahrscheinlichkeit! wurzel! löse*! wie_viel_ist! wie_viele?",
        "reasoning": "warum analysier*! vergleich*! begründe*! rätsel! vor-_und_nachteile! argumentier*!",
        "summarize": "zusammenfass*! zusammen? fasse! kernpunkte! kernaussagen! kurzfassung!",
        "translate": "übersetz*! ins_englische! ins_deutsche! ins_französische! wie_sagt_man! auf_englisch",
        "extract": "extrahier*! klassifizier*! identifizier*? ordne_zu stimmung? liste_alle!",
        "rewrite": "umschreib*! umformulier*! formuliere! korrigier*! paraphrasier*! verbesser* schreibe_um!",
        "writing": "schreib* verfass*! gedicht*! geschichte? brief! aufsatz! e-mail* rede! artikel? entwirf?",
        "brainstorm": "ideen! schlag* vorschläge! vorschlagen! namen_für! einfälle!",
        "factual": "wer? wann? wo? welche? hauptstadt! definier*! was_ist! erkläre?",
        "chat": "hallo! danke! guten_morgen! guten_tag! wie_geht! tschüss! moin! servus!",
        "data": "sql! tabelle? csv! datenbank! excel! daten? spalte* diagramm",
        "agentic": "buche! buchen! automatisier*! suche_im! sende! führe_aus! lade_herunter! danach?",
        "hard": "beweis*! satz_von! theorem*! rigoros* architektur* verteilte*! nebenläufig*! quanten*! optimier*?"
        " komplexität* haftung* differentialdiagnos*! asymptotisch* herleit*! kausal* eigenwert*!",
        "easy": "hauptstadt! hallo! danke! synonym* wie_sagt_man! wie_spät! buchstabier*!",
        "limits": "muss müssen ohne mindestens höchstens genau nur außer jede* nie immer enthält vermeide* darf",
        "marks": "der die das und ist nicht ein eine den mit für auf wie was ich von zu dem im",
    },
    "it": {
        "code": "funzione! codice! script programma* debug! implementa? classe? python!",
        "math": "calcola*! risolvi*! equazion*! integrale! derivata! probabilità! radice! quanto_fa! quanti?",
        "reasoning": "perché analizza*! confronta*! ragiona* indovinello! pro_e_contro! argomenta!",
        "summarize": "riassum*! riassunto! punti_chiave! sintesi! sintetizza!",
        "translate": "traduc*! traduzione! come_si_dice! in_inglese in_francese",
        "extract": "estrai*! classifica*! identifica? elenca_tutti! sentimento!",
        "rewrite": "riscrivi*! riformula*! correggi*! parafrasa*! migliora_questo!",
        "writing": "scriv* poesia! storia? lettera! saggio! racconto! discorso! redigi! articolo?",
        "brainstorm": "idee! suggeri*! proponi*! nomi_per!",
        "factual": "chi? quando? dove? qual? quale? capitale! definisci! cos'è! spiega?",
        "chat": "ciao! grazie! buongiorno! buonasera! come_stai! arrivederci!",
        "data": "sql! tabella? csv! database! excel! dati? foglio_di_calcolo! colonn*",
        "agentic": "prenota*! automatizza*! cerca_sul! invia! esegui! scarica! poi?",
        "hard": "dimostra*! dimostrazione! teorema*! rigoros* architettura* distribuit*! concorren*! quantistic*!"
        " ottimizza? complessità giuridic* diagnosi_differenziale! asintotic* causal*",
        "easy": "capitale! ciao! grazie! sinonim* come_si_dice! che_ore!",
        "limits": "deve devono senza almeno al_massimo esattamente solo tranne ogni mai sempre includ* evita*",
        "marks": "il di che e un una per con come cosa del gli sono è la mi della nel",
    },
    "pt": {
        "code": "função! código! script programa* depur*! implement*? classe? python!",
        "math": "calcul*! resolv*! equação! equações! integral derivada! probabilidade! raiz! quanto_é! quantos?",
        "reasoning": "por_que analis*! compar*! raciocin* enigma! prós_e_contras! argument*!",
        "summarize": "resum*! pontos-chave! síntese! pontos_principais!",
        "translate": "traduz*! tradução! como_se_diz! para_o_inglês! em_inglês",
        "extract": "extrai*! extraia! classifi*! identifi*? liste_todos! sentimento!",
        "rewrite": "reescrev*! reformul*! corrij*! parafrase*! melhore_este!",
        "writing": "escrev* redij*! poema*! conto! carta! ensaio! redação! discurso! e-mail* artigo? história?",
        "brainstorm": "ideias! sugir*! sugestões! proponha! nomes_para!",
        "factual": "quem? quando? onde? qual? capital_d*! defina! o_que_é! explique?",
        "chat": "olá! oi! obrigad*! bom_dia! boa_noite! tudo_bem! tchau!",
        "data": "sql! tabela? csv! banco_de_dados! excel! dados? planilha! coluna*",
        "agentic": "reserv*! automatiz*! pesquise! envie! execute! baixe! depois?",
        "hard": "demonstr*! prove! prova? teorema*! rigoros* arquitetura* distribuíd*! concorren*! quântic*!"
        " otimiz*? complexidade jurídic* diagnóstico_diferencial! assintótic* causal*",
        "easy": "capital_d*! olá! obrigad*! sinônimo* como_se_diz! que_horas!",
        "limits": "deve devem sem pelo_menos no_máximo exatamente apenas exceto cada nunca sempre inclu* evit*",
        "marks": "o a de que e um uma para com como não do da os em por é seu meu",
    },
    "nl": {
        "code": "functie! code! script programma? programmeer*! debug! implementeer* klasse? python!",
        "math": "bereken*! vergelijking! integraal! afgeleide! kans? los_op! wortel! hoeveel_is! hoeveel?",
        "reasoning": "waarom analyseer*! vergelijk! beredeneer*! raadsel! voor-_en_nadelen!",
        "summarize": "samenvat*! vat! hoofdpunten! kernpunten!",
        "translate": "vertaal*! vertaling! hoe_zeg_je! naar_het_engels!",
        "extract": "haal_uit! classificeer*! identificeer*? noem_alle! extraheer*!",
        "rewrite": "herschrijf*! herformuleer*! verbeter* corrigeer*! parafraseer*!",
        "writing": "schrijf* gedicht*! verhaal! brief! essay! toespraak! e-mail* opstel!",
        "brainstorm": "ideeën! suggereer*! suggesties! bedenk! namen_voor!",
        "factual": "wie? wanneer? waar? welke? hoofdstad! definieer! wat_is! leg_uit?",
        "chat": "hallo! hoi! bedankt! goedemorgen! hoe_gaat! doei! dankjewel!",
        "data": "sql! tabel? csv! databank! excel! gegevens? kolom* rekenblad!",
        "agentic": "boek_een! reserveer*! automatiseer*! zoek_op! verstuur! voer_uit! download! daarna?",
        "hard": "bewijs*! stelling! rigoureu* architectuur* gedistribueerd*! gelijktijdig* kwantum*! complexiteit*"
        " juridisch* afleid*! causal*",
        "easy": "hoofdstad! hallo! bedankt! synoniem* hoe_laat!",
        "limits": "moet moeten zonder minstens hoogstens precies alleen behalve elke nooit altijd vermijd*",
        "marks": "het een van dat niet met voor hoe wat ik op zijn te je de en is",
    },
    "pl": {
        "code": "funkcj*! kod* skrypt* program* debuguj! zaimplementuj! klas* python*!",
        "math": "oblicz*! równani*! całk*! pochodn*! prawdopodobieństw*! pierwiastek! rozwiąż*! ile_to! ile?",
        "reasoning": "dlaczego przeanalizuj*! porównaj*! uzasadnij*! zagadk*! wady_i_zalety!",
        "summarize": "streść! podsumuj*! streszczenie! najważniejsze_punkty!",
        "translate": "przetłumacz*! tłumaczenie! na_angielski! na_polski! jak_powiedzieć!",
        "extract": "wyodrębnij! wypisz_wszystkie! sklasyfikuj! zidentyfikuj?",
        "rewrite": "przepisz! przeredaguj! popraw! sparafrazuj!",
        "writing": "napisz* wiersz*! opowiadanie! list esej*! przemówienie! artykuł? zredaguj!",
        "brainstorm": "pomysł*! zaproponuj*! zasugeruj! nazwy_dla!",
        "factual": "kto? kiedy? gdzie? który? stolic*! zdefiniuj! co_to_jest! wyjaśnij? jaka? jaki?",
        "chat": "cześć! dziękuję! dzień_dobry! jak_się_masz! hej! dobranoc!",
        "data": "sql! tabel*? csv! baz*_danych! excel* dane? arkusz*! kolumn*",
        "agentic": "zarezerwuj! zautomatyzuj! wyszukaj! wyślij! uruchom! pobierz! następnie?",
        "hard": "udowodnij*! dowód! twierdzeni*! rygorystyczn* architektur* rozproszon*! współbieżn*! kwantow*!"
        " złożoność prawn* wyprowadź! asymptotyczn*",
        "easy": "stolic*! cześć! dziękuję! synonim* która_godzina!",
        "limits": "musi muszą bez co_najmniej najwyżej dokładnie tylko oprócz każd* nigdy zawsze unikaj",
        "marks": "na jest to nie się jak do czy dla że są w i z mi o",
    },
    "tr": {
        "code": "fonksiyon*! kod* betik! program* hata? sınıf? python!",
        "math": "hesapla*! denklem*! integral* türev* olasılık*! karekök*! çöz*! kaç_eder! kaç?",
        "reasoning": "neden? analiz* karşılaştır*! gerekçelendir*! bilmece! artıları_ve_eksileri!",
        "summarize": "özetle*! özet*! ana_noktalar*!",
        "translate": "çevir*! tercüme*! ingilizceye! türkçeye! nasıl_denir!",
        "extract": "çıkar? sınıflandır*! tespit_et* listele? ayıkla!",
        "rewrite": "yeniden_yaz*! düzelt*! başka_sözcüklerle!",
        "writing": "yaz? yazar? şiir*! hikaye* mektup*! deneme* konuşma? makale*",
        "brainstorm": "fikir*! öner*! öneri*! isim_öner*!",
        "factual": "kim? ne_zaman! nerede? hangi? başkent*! nedir! tanımla! açıkla?",
        "chat": "merhaba! selam! teşekkür*! günaydın! nasılsın! hoşça_kal!",
        "data": "sql! tablo* csv! veritabanı! excel* veri* sütun*",
        "agentic": "rezervasyon! otomatikleştir*! internette_ara! gönder! çalıştır! indir! sonra?",
        "hard": "kanıtla*! ispat*! teorem*! mimari* dağıtık! eşzamanlı*! kuantum! karmaşıklı* asimptotik hukuki",
        "easy": "başkent*! merhaba! teşekkür*! saat_kaç! eş_anlamlı*",
        "limits": "olmalı* gerek* en_az en_fazla tam_olarak sadece yalnızca hariç her asla",
        "marks": "bir ve bu için ne nasıl ile mi mı çok bana gibi",
    },
    "sv": {
        "code": "funktion! kod* skript program* felsök*! implementera klass? python!",
        "math": "beräkna*! ekvation*! integral derivata! sannolikhet*! kvadratrot*! lös! hur_mycket_är! hur_många?",
        "reasoning": "varför analysera*! jämför*! resonera* gåta! för-_och_nackdelar!",
        "summarize": "sammanfatta*! huvudpunkter*!",
        "translate": "översätt*! till_engelska! till_svenska! hur_säger_man!",
        "extract": "extrahera*! klassificera*! identifiera? lista_alla!",
        "rewrite": "skriv_om! omformulera*! rätta*! förbättra* korrigera!",
        "writing": "skriv* dikt*! berättelse! brev! uppsats! tal? novell! mejl*",
        "brainstorm": "idéer! föreslå*! förslag! namn_på?",
        "factual": "vem? när? var? vilken? huvudstad*! definiera! vad_är! förklara?",
        "chat": "hej! tack! god_morgon! hur_mår! hejdå! tjena!",
        "data": "sql! tabell? csv! databas! excel! kolumn* kalkylblad!",
        "agentic": "boka*! automatisera*! sök_på! skicka! kör! ladda_ner! sedan?",
        "hard": "bevisa*! bevis! satsen! teorem* rigorös* arkitektur* distribuera*! samtidig* kvant*! komplexitet*"
        " härled*! juridisk*",
        "easy": "huvudstad*! hej! tack! synonym* vad_är_klockan!",
        "limits": "måste utan minst högst exakt bara endast utom varje aldrig alltid undvik",
        "marks": "och att det är som på för med vad hur jag inte av en den till",
    },
    "vi": {
        "code": "hàm! mã? lập_trình! gỡ_lỗi! thuật_toán python!",
        "math": "tính! phương_trình! tích_phân! đạo_hàm! xác_suất! giải! căn_bậc_hai!",
        "reasoning": "tại_sao! phân_tích! so_sánh! lập_luận! câu_đố!",
        "summarize": "tóm_tắt! ý_chính!",
        "translate": "dịch! sang_tiếng! nói_thế_nào!",
        "extract": "trích_xuất! phân_loại! liệt_kê_tất_cả! xác_định?",
        "rewrite": "viết_lại! diễn_đạt_lại! sửa! chỉnh_sửa!",
        "writing": "viết? soạn! bài_thơ! câu_chuyện! bức_thư! bài_luận! email",
        "brainstorm": "ý_tưởng! gợi_ý! đề_xuất!",
        "factual": "là_gì ai? khi_nào! ở_đâu! thủ_đô! định_nghĩa! giải_thích?",
        "chat": "chào! xin_chào! cảm_ơn! bạn_khỏe! tạm_biệt!",
        "data": "sql! bảng? csv! cơ_sở_dữ_liệu! excel! dữ_liệu",
        "agentic": "đặt_vé! đặt_phòng! tự_động! gửi! tải! tìm_trên_mạng! sau_đó",
        "hard": "chứng_minh! định_lý! kiến_trúc phân_tán! đồng_thời lượng_tử! độ_phức_tạp pháp_lý",
        "easy": "thủ_đô! chào! cảm_ơn! đồng_nghĩa mấy_giờ!",
        "limits": "phải không_được ít_nhất nhiều_nhất chính_xác chỉ mỗi luôn",
        "marks": "là của và có cho không một các những tôi thế nào hãy bài",
    },
    "id": {
        "code": "fungsi! kode! skrip program? debug! implementasi* python!",
        "math": "hitung*! persamaan! integral turunan! probabilitas! akar! selesaikan! berapa?",
        "reasoning": "mengapa analisis*! bandingkan! teka-teki! kelebihan_dan_kekurangan!",
        "summarize": "ringkas*! rangkum*! poin_utama!",
        "translate": "terjemah*! ke_bahasa_inggris! ke_bahasa_indonesia!",
        "extract": "ekstrak*! klasifikasi*! sebutkan_semua! identifikasi?",
        "rewrite": "tulis_ulang! parafrase*! perbaiki! koreksi!",
        "writing": "tulis* puisi! cerita? surat! esai! pidato! artikel?",
        "brainstorm": "ide! saran* usulkan! nama_untuk!",
        "factual": "siapa? kapan? dimana? ibu_kota! definisikan! apa_itu! jelaskan?",
        "chat": "halo! hai! terima_kasih! selamat_pagi! apa_kabar!",
        "data": "sql! tabel? csv! basis_data! excel! kolom*",
        "agentic": "pesan_tiket! otomatis*! cari_di! kirim* jalankan! unduh! kemudian?",
        "hard": "buktikan*! teorema! arsitektur terdistribusi! konkuren* kuantum! kompleksitas hukum?",
        "easy": "ibu_kota! halo! terima_kasih! sinonim jam_berapa!",
        "limits": "harus tanpa setidaknya minimal maksimal tepat hanya kecuali setiap jangan selalu",
        "marks": "yang dan di untuk dengan ini apa bagaimana dari tidak tolong saya buat tentang",
    },
}

CYRILLIC: dict[str, dict[str, str]] = {
    "ru": {
        "code": "функци*! код! код* скрипт*! программ* отлад*! алгоритм* класс? ошибк*? python! питон*!",
        "math": "вычисл*! реши*! уравнени*! интеграл*! производн*! вероятност*! корень! посчитай*! сколько?",
        "reasoning": "почему проанализируй*! сравни*! обоснуй*! загадк*! плюсы_и_минусы!",
        "summarize": "резюм*! кратко перескаж*! обобщи*! краткое_содержание! суммируй!",
        "translate": "переведи*! перевод! на_английский! на_русский! как_сказать!",
        "extract": "извлеки*! классифицируй*! определи? выпиши*! найди_все!",
        "rewrite": "перепиши*! перефразируй*! исправь*! улучши*! отредактируй*!",
        "writing": "напиши* сочини*! стихотворени*! рассказ! письмо! эссе! стих* речь! статью? придумай_историю!",
        "brainstorm": "идеи! идей! предложи*! придумай*! варианты! названия_для!",
        "factual": "кто? когда? где? какой? какая? столиц*! что_такое! объясни? определение!",
        "chat": "привет*! здравствуй*! спасибо! добрый_день! доброе_утро! как_дела! пока!",
        "data": "sql! таблиц*? csv! баз*_данных! excel! данн*? столб*",
        "agentic": "забронируй*! автоматизируй*! найди_в_интернете! отправь*! запусти*! скачай*! затем?",
        "hard": "докажи*! доказательств*! теорем*! строг* архитектур* распределённ*! распределенн*! конкурентн*!"
        " квантов*! сложност* юридическ* асимптот* вывед* причинн* лемм*!",
        "easy": "столиц*! привет! спасибо! синоним* который_час!",
        "limits": "должен должн* без минимум максимум ровно только кроме кажд* никогда всегда избегай* нельзя",
    },
    "uk": {
        "code": "функці*! код! скрипт*! програм* алгоритм* клас? помилк*?",
        "math": "обчисли*! розв'яж*! рівнянн*! інтеграл*! похідн*! ймовірн*! порахуй! скільки?",
        "reasoning": "чому проаналізуй*! порівняй*! обґрунтуй*! загадк*!",
        "summarize": "підсумуй*! стисло! узагальни*! короткий_зміст!",
        "translate": "переклад*! англійською! українською!",
        "extract": "витягни*! класифікуй*! випиши*! визнач*?",
        "rewrite": "перепиши*! перефразуй*! виправ*! відредагуй*!",
        "writing": "напиши* вірш*! оповіданн*! лист! есе! промов*!",
        "brainstorm": "ідеї! ідей! запропонуй*! вигадай*!",
        "factual": "хто? коли? де? який? яка? столиц*! що_таке! поясни?",
        "chat": "привіт*! дякую! добрий_день! як_справи!",
        "data": "sql! таблиц*? csv! баз*_даних! excel! стовп*",
        "agentic": "забронюй*! автоматизуй*! знайди_в_інтернеті! надішли! запусти! завантаж*!",
        "hard": "доведи*! доведенн*! теорем*! архітектур* розподілен*! квантов*! складніст*",
        "easy": "столиц*! привіт! дякую! синонім* котра_година!",
        "limits": "повинен повинн* без щонайменше рівно лише тільки крім кожн* ніколи завжди",
    },
}

OTHER: dict[str, dict[str, str]] = {
    "zh": {
        "code": "函数! 代码! 脚本! 编程! 程序 算法 调试! 重构! 正则! 单元测试! 报错 接口?",
        "math": "计算! 方程! 求解! 积分! 概率! 导数! 平方根! 等于多少! 几何 求? 多少?",
        "reasoning": "为什么 分析 推理! 比较 利弊! 逻辑 谜题! 权衡!",
        "summarize": "总结! 摘要! 概括! 要点! 归纳!",
        "translate": "翻译! 译成! 怎么说! 译为!",
        "extract": "提取! 抽取! 分类 找出所有! 识别? 情感! 第一行!",
        "rewrite": "改写! 润色! 修改 语法! 重写! 更正式!",
        "writing": "写一 诗! 故事! 作文! 文章? 邮件! 演讲! 信? 小说!",
        "brainstorm": "点子! 建议 创意! 起名! 头脑风暴! 想法! 主意!",
        "factual": "什么是 是谁! 哪里? 首都! 何时! 定义! 是什么 解释? 哪个?",
        "chat": "你好! 谢谢! 早上好! 再见! 晚安! 您好!",
        "data": "数据库! sql! 表格! excel! csv! 数据? 列?",
        "agentic": "预订! 自动! 部署! 搜索! 发送! 运行! 下载! 然后?",
        "hard": "证明! 定理! 严格 分布式! 并发! 架构 量子! 复杂度 推导! 一致性 法律 渐近! 最优 因果",
        "easy": "首都! 你好! 谢谢! 同义词 几点!",
        "limits": "必须 不能 至少 最多 只能 恰好 除了 每个 不得 避免 要求",
    },
    "ja": {
        "code": "関数! コード! スクリプト! プログラム! アルゴリズム デバッグ! リファクタ! 正規表現! 実装",
        "math": "計算! 方程式! 積分! 確率! 微分! 平方根! 解いて! 求め! いくつ?",
        "reasoning": "なぜ 分析 比較 推論! 論理 長所と短所! 謎?",
        "summarize": "要約! まとめ! 要点!",
        "translate": "翻訳! 訳して! 英語で 日本語に! 何と言い!",
        "extract": "抽出! 分類! 抜き出! すべて挙げ! 感情!",
        "rewrite": "書き直! 言い換え! 校正! 添削! 丁寧に! 直して!",
        "writing": "書いて 詩! 物語! 作文! 手紙! メール! 俳句! 小説! スピーチ!",
        "brainstorm": "アイデア! 提案! 案を! 名前を考え!",
        "factual": "とは 誰! いつ? どこ? 首都! 何ですか 説明? 定義!",
        "chat": "こんにちは! ありがとう! おはよう! さようなら! 元気ですか! こんばんは!",
        "data": "データベース! sql! エクセル! csv! 集計! データ? 表?",
        "agentic": "予約して! 自動! 検索して! 送信! 実行して! デプロイ! ダウンロード!",
        "hard": "証明! 定理! 厳密 分散! 並行! アーキテクチャ! 量子! 計算量 導出! 整合性 漸近! 設計 因果",
        "easy": "首都! こんにちは! ありがとう! 何時! 類義語",
        "limits": "必ず 以内 以上 以下 のみ だけ しないで 除い それぞれ ちょうど",
    },
    "ko": {
        "code": "함수! 코드! 스크립트! 프로그램 알고리즘 디버그! 리팩터! 정규식! 구현",
        "math": "계산! 방정식! 적분! 확률! 미분! 제곱근! 풀어! 구하? 몇?",
        "reasoning": "왜? 분석 비교 추론! 논리 장단점!",
        "summarize": "요약! 정리 핵심!",
        "translate": "번역! 영어로 한국어로! 뭐라고_해!",
        "extract": "추출! 분류! 모두_찾 감정!",
        "rewrite": "다시_써! 고쳐! 바꿔_ 교정! 다듬!",
        "writing": "써줘 작성 시를! 이야기! 편지! 에세이! 이메일! 소설! 연설!",
        "brainstorm": "아이디어! 제안! 추천! 이름을_지",
        "factual": "무엇 누구! 언제? 어디? 수도 설명? 정의!",
        "chat": "안녕! 감사합니다! 고마워! 잘_지내! 좋은_아침!",
        "data": "데이터베이스! sql! 엑셀! csv! 데이터? 열?",
        "agentic": "예약! 자동화! 검색해! 보내! 실행해! 배포! 다운로드!",
        "hard": "증명! 정리를! 엄밀 분산! 동시성! 아키텍처! 양자! 복잡도 유도! 일관성 점근! 설계 인과",
        "easy": "수도는! 안녕! 감사합니다! 몇_시! 동의어",
        "limits": "반드시 이상 이하 이내 정확히 제외 각각 하지_마 최소 최대",
    },
    "ar": {
        "code": "دالة! كود! برمج* برنامج خوارزمية سكريبت!",
        "math": "احسب! معادلة! تكامل! احتمال! مشتق! الجذر! حل? كم?",
        "reasoning": "لماذا حلل! قارن! منطق لغز!",
        "summarize": "لخص! ملخص! تلخيص! النقاط_الرئيسية!",
        "translate": "ترجم! ترجمة! إلى_الإنجليزية! كيف_تقول!",
        "extract": "استخرج! صنف! حدد?",
        "rewrite": "أعد_كتابة! أعد_صياغة! صحح! حسن?",
        "writing": "اكتب قصيدة! قصة! رسالة! مقال! خطاب!",
        "brainstorm": "أفكار! اقترح! اقتراح!",
        "factual": "من_هو! متى? أين? عاصمة! ما_هو ما_هي عرف? اشرح?",
        "chat": "مرحبا! شكرا! السلام_عليكم! صباح_الخير! كيف_حالك!",
        "data": "قاعدة_بيانات! sql! جدول? بيانات إكسل!",
        "agentic": "احجز! أتمت! ابحث_في! أرسل! شغل? حمل?",
        "hard": "أثبت! برهن! برهان! نظرية! معمارية موزع! تزامن كمي! تعقيد قانوني",
        "easy": "عاصمة! مرحبا! شكرا! مرادف كم_الساعة!",
        "limits": "يجب بدون على_الأقل على_الأكثر بالضبط فقط باستثناء كل_ لا_تستخدم",
    },
    "hi": {
        "code": "फ़ंक्शन! फंक्शन! कोड! प्रोग्राम स्क्रिप्ट! एल्गोरिदम",
        "math": "गणना! समीकरण! हल_ प्रायिकता! वर्गमूल! कितना? कितने?",
        "reasoning": "क्यों विश्लेषण! तुलना! तर्क पहेली!",
        "summarize": "सारांश! संक्षेप!",
        "translate": "अनुवाद! अंग्रेज़ी_में अंग्रेजी_में",
        "extract": "निकालो! वर्गीकृत! निकालें! पहचान?",
        "rewrite": "फिर_से_लिख! सुधार! ठीक_करो!",
        "writing": "लिखो लिखिए कविता! कहानी! पत्र! निबंध! भाषण!",
        "brainstorm": "विचार सुझाव! सुझाएं! आइडिया!",
        "factual": "क्या_है कौन? कब? कहाँ? राजधानी! परिभाषा! समझाइए? बताइए?",
        "chat": "नमस्ते! धन्यवाद! शुभ! कैसे_हो! कैसे_हैं!",
        "data": "डेटाबेस! sql! तालिका! डेटा?",
        "agentic": "बुक_कर! स्वचालित! खोजो! भेजो! चलाओ! डाउनलोड!",
        "hard": "सिद्ध! प्रमेय! प्रमाण! वास्तुकला वितरित! क्वांटम! जटिलता कानूनी",
        "easy": "राजधानी! नमस्ते! धन्यवाद! पर्यायवाची कितने_बजे!",
        "limits": "चाहिए बिना कम_से_कम अधिकतम केवल सिर्फ़ हर_ ज़रूर",
    },
    "th": {
        "code": "ฟังก์ชัน! โค้ด! โปรแกรม สคริปต์!",
        "math": "คำนวณ! สมการ! ความน่าจะเป็น! เท่ากับ! แก้?",
        "reasoning": "ทำไม วิเคราะห์! เปรียบเทียบ! เหตุผล",
        "summarize": "สรุป! ใจความสำคัญ!",
        "translate": "แปล! เป็นภาษาอังกฤษ!",
        "extract": "ดึงข้อมูล! จำแนก! ระบุ?",
        "rewrite": "เขียนใหม่! แก้ไข! เรียบเรียง!",
        "writing": "เขียน บทกวี! เรื่อง? จดหมาย! เรียงความ! อีเมล",
        "brainstorm": "ไอเดีย! แนะนำ! เสนอ!",
        "factual": "คืออะไร ใคร? เมื่อไหร่? ที่ไหน? เมืองหลวง! อธิบาย?",
        "chat": "สวัสดี! ขอบคุณ! สบายดี!",
        "data": "ฐานข้อมูล! sql! ตาราง? ข้อมูล?",
        "agentic": "จอง! อัตโนมัติ! ค้นหาใน! ส่ง? ดาวน์โหลด!",
        "hard": "พิสูจน์! ทฤษฎีบท! สถาปัตยกรรม กระจาย ควอนตัม! กฎหมาย",
        "easy": "เมืองหลวง! สวัสดี! ขอบคุณ! กี่โมง!",
        "limits": "ต้อง ห้าม อย่างน้อย ไม่เกิน เท่านั้น ยกเว้น ทุก",
    },
}
